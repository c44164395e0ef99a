package e2e

import (
	"fmt"

	"github.com/chromedp/cdproto/page"
)

// offersNone wants none of the buttons and links on the page.
func (p *phone) offersNone(names ...string) {
	p.t.Helper()
	for _, name := range names {
		if p.has(name) {
			p.t.Errorf("the page offers %q", name)
		}
	}
}

// top is where an element begins on the page, however far it is scrolled.
func (p *phone) top(selector string) float64 {
	p.t.Helper()
	at, ok := eval[float64](p, `document.querySelector("`+selector+`").getBoundingClientRect().top + scrollY`)
	if !ok {
		p.t.Errorf("there is no %s", selector)
	}
	return at
}

// canBeTouched wants all that can be touched to be as large as a fingertip, and
// none of it under another.
func (p *phone) canBeTouched() {
	p.t.Helper()
	p.faultless(`
		const tip = 48;
		const name = e => (e.innerText || e.name).trim();
		const all = [...document.querySelectorAll("a, button, summary, input:not([type=hidden])")].filter(e => e.checkVisibility());
		const faults = [];
		all.forEach((e, i) => {
			const a = e.getBoundingClientRect();
			if (a.width < tip || a.height < tip) faults.push(name(e) + " is " + a.width + " by " + a.height);
			for (const other of all.slice(i + 1)) {
				const b = other.getBoundingClientRect();
				if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 0.5 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.5)
					faults.push(name(e) + " lies on " + name(other));
			}
		});
		return faults.join("; ")`)
}

// fitsLargeText wants the page to hold on a narrow screen with text of twice the
// size: nothing is wider than the screen, and no word of a heading is broken.
func (p *phone) fitsLargeText() {
	p.t.Helper()
	size := func(px int64) {
		p.t.Helper()
		call(p, page.SetFontSizes, page.SetFontSizesParams{FontSizes: &page.FontSizes{Standard: px}})
		until(p.t, "the text has its size", func() bool {
			now, _ := eval[string](p, "getComputedStyle(document.documentElement).fontSize")
			return now == fmt.Sprintf("%dpx", px)
		})
	}
	p.screen(320, 640)
	size(32)
	defer p.screen(390, 844)
	defer size(16)
	p.faultless(`
		const faults = [];
		if (document.documentElement.scrollWidth > innerWidth) faults.push("the page is " + document.documentElement.scrollWidth + " wide");
		for (const heading of document.querySelectorAll("h1")) {
			const text = heading.firstChild;
			if (!heading.checkVisibility()) continue;
			for (const word of text.data.matchAll(/[^\s\-]+/g)) {
				const range = document.createRange();
				range.setStart(text, word.index);
				range.setEnd(text, word.index + word[0].length);
				if (range.getClientRects().length > 1) faults.push("“" + word[0] + "” is broken");
			}
		}
		return faults.join("; ")`)
}

// faultless runs the body of a function that returns what is wrong with the page.
func (p *phone) faultless(body string) {
	p.t.Helper()
	faults, ok := eval[string](p, "(() => {"+body+"})()")
	if !ok {
		p.t.Error("the page cannot be looked at")
	}
	if faults != "" {
		title, _ := eval[string](p, "document.title")
		p.t.Errorf("%s: %s", title, faults)
	}
}
