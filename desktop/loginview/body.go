package loginview

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// body is what the view shows, in the view's own theme: a page with one card.
type body struct {
	widget.BaseWidget

	screen screen

	host      *widget.Label
	banner    *widget.Label
	title     *widget.Label
	plate     *plate
	badge     *badge
	lead      *widget.Label
	note      *widget.Label
	digits    *digits
	detail    *phrase
	orOpen    *widget.Label
	address   *phrase
	codeLabel *widget.Label
	code      *phrase
	countdown *countdown
	button    *button
	second    *button

	roomy bool // there may be a second button
}

func newBody(v *View) *body {
	b := &body{
		host:      newLabel(sizeSmall, widget.LowImportance, fyne.TextTruncateEllipsis),
		banner:    newLabel(sizeSmall, widget.WarningImportance, fyne.TextTruncateEllipsis),
		title:     newLabel(sizeTitle, widget.MediumImportance, fyne.TextTruncateOff),
		plate:     newPlate(),
		badge:     newBadge(),
		lead:      newLabel(sizeText, widget.MediumImportance, fyne.TextTruncateOff),
		note:      newLabel(sizeSmall, widget.LowImportance, fyne.TextTruncateOff),
		digits:    newDigits(v.confirm, v.spellDigit),
		detail:    newPhrase(sizeSmall, fyne.TextStyle{}),
		orOpen:    newLabel(sizeSmall, widget.LowImportance, fyne.TextTruncateOff),
		address:   newPhrase(sizeSmall, fyne.TextStyle{}),
		codeLabel: newLabel(sizeSmall, widget.LowImportance, fyne.TextTruncateOff),
		code:      newPhrase(sizeTitle, fyne.TextStyle{Monospace: true}),
		countdown: newCountdown(v.clock, v.do),
		button:    newButton(v.act, v.CopyLink),
		second:    newButton(v.actSecond, v.CopyLink),
		roomy:     !v.opts.HideHere,
	}
	b.second.quiet = true
	b.title.TextStyle.Bold = true
	b.lead.TextStyle.Bold = true
	b.orOpen.Text = v.words.OrOpen
	b.banner.Text = v.words.Reconnecting
	for _, l := range []*widget.Label{b.orOpen, b.codeLabel} {
		l.Alignment, l.Wrapping = fyne.TextAlignLeading, fyne.TextWrapOff
	}
	b.ExtendBaseWidget(b)
	return b
}

// newLabel makes a centred one. With truncation it keeps to one line.
func newLabel(size fyne.ThemeSizeName, i widget.Importance, t fyne.TextTruncation) *widget.Label {
	l := widget.NewLabel("")
	l.SizeName, l.Importance, l.Truncation, l.Alignment = size, i, t, fyne.TextAlignCenter
	if t == fyne.TextTruncateOff {
		l.Wrapping = fyne.TextWrapWord
	}
	return l
}

// show changes what differs, in place: nothing is built anew, so nothing flashes.
func (b *body) show(s screen) {
	sameButton := s.button == b.screen.button // which may say "Copied" just now
	sameSecond := s.second == b.screen.second
	b.screen = s
	b.host.Text, b.title.Text, b.lead.Text, b.note.Text, b.codeLabel.Text = s.host, s.title, s.lead, s.note, s.codeLabel
	b.lead.SizeName = sizeText
	switch {
	case s.title == "":
		b.lead.SizeName = sizeHuge
	case s.big:
		b.lead.SizeName = sizeTitle
	}
	b.plate.set(s.link, s.faded)
	b.badge.set(s.badge, s.tone)
	b.note.Importance = widget.LowImportance
	if s.alarm {
		b.note.Importance = widget.DangerImportance
	}
	b.digits.set(s.busy, s.alarm)
	b.detail.set(s.detail)
	b.address.set(s.address)
	b.code.set(s.code)
	b.countdown.setDeadline(s.deadline)
	b.button.main = s.main
	if !sameButton {
		b.button.setText(s.button, iconNone)
	}
	if !sameSecond {
		b.second.setText(s.second, iconNone)
	}

	visible(b.host, s.host != "" && !s.offline)
	visible(b.banner, s.offline)
	visible(b.title, s.title != "")
	visible(b.plate, s.picture == pictureCode)
	visible(b.badge, s.badge != iconNone)
	visible(b.note, s.note != "")
	visible(b.digits, s.number)
	visible(b.detail, s.detail != "")
	visible(b.orOpen, s.address != "")
	visible(b.address, s.address != "")
	visible(b.codeLabel, s.code != "")
	visible(b.code, s.code != "")
	visible(b.countdown, s.code != "" && !s.deadline.IsZero())
	visible(b.button, s.button != "")
	visible(b.second, s.second != "")
	b.Refresh()
}

// holds reports whether a control is one of the body's.
func (b *body) holds(o fyne.CanvasObject) bool {
	for _, own := range []fyne.CanvasObject{b.digits, b.detail, b.address, b.code, b.button, b.second} {
		if o == own {
			return true
		}
	}
	return false
}

func visible(o fyne.CanvasObject, yes bool) {
	if yes {
		o.Show()
		return
	}
	o.Hide()
}

// CreateRenderer implements fyne.Widget.
func (b *body) CreateRenderer() fyne.WidgetRenderer {
	r := &bodyRenderer{
		body: b,
		page: canvas.NewRectangle(color.Transparent),
		card: canvas.NewRectangle(color.Transparent),
		slip: canvas.NewRectangle(color.Transparent),
		box:  canvas.NewRectangle(color.Transparent),
	}
	r.card.CornerRadius = radius
	r.slip.CornerRadius = slipHeight / 2
	r.box.CornerRadius = 12
	r.update()
	return r
}

type bodyRenderer struct {
	body *body

	page, card *canvas.Rectangle
	slip       *canvas.Rectangle // under the banner
	box        *canvas.Rectangle // under address and code
}

// Objects are in the order of the Tab key: what can be typed into or copied, then the
// button.
func (r *bodyRenderer) Objects() []fyne.CanvasObject {
	b := r.body
	return []fyne.CanvasObject{
		r.page, r.card, r.slip, r.box,
		b.host, b.banner, b.title, b.plate, b.badge, b.lead, b.digits, b.note, b.detail,
		b.orOpen, b.address, b.codeLabel, b.code, b.countdown, b.button, b.second,
	}
}

func (r *bodyRenderer) Refresh() {
	r.update()
	b := r.body
	for _, l := range []*widget.Label{b.host, b.banner, b.title, b.lead, b.note, b.orOpen, b.codeLabel} {
		l.Refresh()
	}
	r.Layout(b.Size())
	canvas.Refresh(b)
}

// update takes colours and what else depends on the screen.
func (r *bodyRenderer) update() {
	b := r.body
	r.page.FillColor = paint(b, theme.ColorNameBackground)
	r.card.FillColor = paint(b, colorCard)
	r.card.StrokeColor, r.card.StrokeWidth = paint(b, theme.ColorNameSeparator), 1
	r.slip.FillColor = paint(b, colorWarnTint)
	r.slip.Hidden = !b.screen.offline
	r.box.FillColor = paint(b, theme.ColorNameInputBackground)
	r.box.Hidden = b.screen.code == ""
}

func (r *bodyRenderer) Destroy() {}
