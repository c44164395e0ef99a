package loginview

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"
)

// The grid: steps of 8, one column of at most 420.
const (
	margin     = 16  // around the card
	slipHeight = 32  // of the banner above the card
	lineHeight = 40  // above the card, with the room to it
	padding    = 24  // inside the card
	gap        = 16  // between the parts of the card
	cardWidth  = 420 // at most
	cardHeight = 640 // at most
	leastWidth = 304 // of the card's content: words, code and countdown beside each other

	plateLeast = 168
	plateMost  = 288
	boxPadding = 12
	boxRow     = 8 // between address and code
)

// MinSize is that of a waiting screen, whatever the screen: a window that grows
// and shrinks with each news is not calm.
func (r *bodyRenderer) MinSize() fyne.Size {
	return r.leastCard().AddWidthHeight(2*margin, lineHeight+2*margin)
}

// leastCard has room for a code with enough pixels, and one line of each text.
func (r *bodyRenderer) leastCard() fyne.Size {
	plate := max(plateLeast, r.body.plate.MinSize().Height)
	line := func(name fyne.ThemeSizeName) float32 {
		return fyne.MeasureText("M", r.body.Theme().Size(name), fyne.TextStyle{}).Height
	}
	box := 2*boxPadding + line(sizeSmall) + boxRow + line(sizeTitle)
	height := line(sizeTitle) + gap + plate + gap + line(sizeText) + gap + box + gap + buttonHeight
	if r.body.roomy {
		height += quietGap + quietHeight
	}
	return fyne.NewSize(max(leastWidth, plate)+2*padding, height+2*padding)
}

// Layout puts the line of the server above the card, the title at the card's top,
// the button at its foot, and the rest in the middle of what is between.
func (r *bodyRenderer) Layout(size fyne.Size) {
	b := r.body
	r.page.Resize(size)
	least := r.leastCard()
	width := min(max(cardWidth, least.Width), size.Width-2*margin)
	height := min(max(cardHeight, least.Height), size.Height-2*margin-lineHeight)
	if width <= 2*padding || height <= 2*padding {
		return // not shown yet
	}
	left := (size.Width - width) / 2
	top := max(margin, (size.Height-height-lineHeight)/2)
	r.layoutLine(left, top, width)
	top += lineHeight
	place(r.card, left, top, width, height)

	left, width = left+padding, width-2*padding
	bottom := top + height - padding
	top += padding
	if b.title.Visible() {
		top += put(b.title, left, top, width) + gap
	}
	live := b.plate.Visible() || b.digits.Visible()
	if b.second.Visible() || live && b.roomy && b.screen.offered {
		bottom -= quietHeight - padding/2 // it stands closer to the card's edge
		place(b.second, left, bottom, width, quietHeight)
		bottom -= quietGap
	}
	if b.button.Visible() || b.plate.Visible() {
		bottom -= buttonHeight
		place(b.button, left, bottom, width, buttonHeight)
		bottom -= gap
	}
	r.layoutMiddle(left, top, width, bottom-top)
}

// layoutLine puts the server's name, or the banner in its place, above the card.
func (r *bodyRenderer) layoutLine(left, top, width float32) {
	b := r.body
	for _, l := range []*widget.Label{b.host, b.banner} {
		h := l.MinSize().Height
		place(l, left+margin, top+(slipHeight-h)/2, width-2*margin, h)
	}
	slip := min(width, fyne.MeasureText(b.banner.Text, b.Theme().Size(sizeSmall), fyne.TextStyle{}).Width+2*margin)
	place(r.slip, left+(width-slip)/2, top, slip, slipHeight)
}

// layoutMiddle centres the picture and what is under it in the height.
func (r *bodyRenderer) layoutMiddle(left, top, width, height float32) {
	b := r.body
	if b.digits.Visible() {
		r.layoutNumber(left, top, width, height)
		return
	}
	lead := labelHeight(b.lead, width)
	note, detail := float32(0), float32(0)
	if b.note.Visible() {
		note = 8 + labelHeight(b.note, width)
	}
	if b.detail.Visible() {
		detail = 8 + b.detail.within(width).Height
	}
	words := gap + lead + note + detail
	picture := float32(badgeSide)
	if b.plate.Visible() {
		// The room of a waiting screen, so that the code stays where it is in each state.
		line := fyne.MeasureText("M", b.Theme().Size(sizeText), b.lead.TextStyle).Height
		words = max(words, gap+line+gap+r.boxHeight(width))
		picture = max(0, min(max(plateMost, b.plate.leastSide()), width, height-words))
	}
	y := top + max(0, (height-picture-words)/2)
	place(b.plate, left+(width-picture)/2, y, picture, picture)
	place(b.badge, left+(width-badgeSide)/2, y+(picture-badgeSide)/2, badgeSide, badgeSide)
	y += picture + gap
	y += putBalanced(b.lead, left, y, width)
	if b.note.Visible() {
		y += 8 + put(b.note, left, y+8, width)
	}
	if b.detail.Visible() {
		taken := b.detail.within(width)
		place(b.detail, left+(width-taken.Width)/2, y+8, taken.Width+1, taken.Height)
	}
	if b.code.Visible() {
		r.layoutBox(left, y+gap, width)
	}
}

// layoutNumber centres the boxes for the number, with the phone and the words above
// them and a note below, for which there is room whether or not there is one.
func (r *bodyRenderer) layoutNumber(left, top, width, height float32) {
	b := r.body
	lead := labelHeight(b.lead, width)
	note := max(labelHeight(b.note, width), fyne.MeasureText("M", b.Theme().Size(sizeSmall), fyne.TextStyle{}).Height)
	y := top + max(0, (height-badgeSide-lead-digitHeight-note-3*gap)/2)
	place(b.badge, left+(width-badgeSide)/2, y, badgeSide, badgeSide)
	y += badgeSide + gap
	y += putBalanced(b.lead, left, y, width) + gap
	boxes := b.digits.MinSize().Width
	place(b.digits, left+(width-boxes)/2, y, boxes, digitHeight)
	y += digitHeight + gap
	put(b.note, left, y, width)
}

// boxHeight has room for the address, whether or not it is shown.
func (r *bodyRenderer) boxHeight(width float32) float32 {
	b := r.body
	address := b.address.within(r.valueWidth(width)).Height
	return 2*boxPadding + address + boxRow + b.code.within(width).Height
}

// labelWidth is that of the words before address and code.
func (r *bodyRenderer) labelWidth() float32 {
	b := r.body
	return max(b.orOpen.MinSize().Width, b.codeLabel.MinSize().Width) + margin
}

func (r *bodyRenderer) valueWidth(width float32) float32 {
	return width - 2*margin - r.labelWidth()
}

func (r *bodyRenderer) layoutBox(left, top, width float32) {
	b := r.body
	height := r.boxHeight(width)
	place(r.box, left, top, width, height)
	value := left + margin + r.labelWidth()
	y := top + boxPadding
	if b.address.Visible() {
		taken := b.address.within(r.valueWidth(width))
		place(b.orOpen, left+margin, y, r.labelWidth(), b.orOpen.MinSize().Height)
		place(b.address, value, y, r.valueWidth(width), taken.Height)
		y += taken.Height + boxRow
	} else {
		y = top + (height-b.code.within(width).Height)/2
	}
	code := b.code.within(width)
	h := b.codeLabel.MinSize().Height
	place(b.codeLabel, left+margin, y+(code.Height-h)/2, r.labelWidth(), h)
	place(b.code, value, y, code.Width+1, code.Height)
	c := b.countdown.MinSize()
	place(b.countdown, left+width-margin-c.Width, y+(code.Height-c.Height)/2, c.Width, c.Height)
}

func place(o fyne.CanvasObject, x, y, w, h float32) {
	o.Move(fyne.NewPos(x, y))
	o.Resize(fyne.NewSize(w, h))
}

// put places a label that wraps and returns its height.
func put(l *widget.Label, x, y, width float32) float32 {
	h := labelHeight(l, width)
	place(l, x, y, width, h)
	return h
}

// putBalanced places a centred label so that no line of it has but a word where the
// one before is full.
func putBalanced(l *widget.Label, x, y, width float32) float32 {
	height, narrow := labelHeight(l, width), width
	if height >= 2*fyne.MeasureText("M", l.Theme().Size(l.SizeName), l.TextStyle).Height {
		for narrow-8 > width/2 && labelHeight(l, narrow-8) == height {
			narrow -= 8
		}
	}
	place(l, x+(width-narrow)/2, y, narrow, height)
	return height
}

// labelHeight is that of the wrapped text. Fyne knows it for the width that the
// label has.
func labelHeight(l *widget.Label, width float32) float32 {
	l.Resize(fyne.NewSize(width, l.Size().Height))
	return l.MinSize().Height
}
