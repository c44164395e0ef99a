package desktop

import (
	"time"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// heard handles an event of the push channel.
func (w *watch) heard(e socketEvent) {
	if e.drop != nil {
		w.dropped(*e.drop)
		return
	}
	first := w.line.heard(e)
	if s := e.snapshot; first || s.Seq >= w.seq { // the newest wins
		w.seq = s.Seq
		w.learn(s)
	}
	if first {
		w.connected()
	}
}

// connected turns polling into a safety net, unless there is something to fetch.
func (w *watch) connected() {
	w.pace = w.pace.answered()
	if w.view.State != StateApproved && !w.polling {
		w.rest()
	}
}

// learn takes a snapshot over.
func (w *watch) learn(s wire.Snapshot) {
	if err := verdict(s.State); err != nil {
		w.end(State(s.State), w.reason(err))
		return
	}
	w.turn(progress(w.view.State, s.State), s.TriesLeft)
	w.stillGood(seconds(s.ExpiresIn))
	if s.UserCode != "" {
		w.view.UserCode, w.view.VerificationURIComplete = s.UserCode, s.VerificationURIComplete
	}
	w.view.CodeExpires = w.view.Expires
	if at := w.client.wall().Add(seconds(s.CodeExpiresIn)); s.CodeExpiresIn > 0 && at.Before(w.view.Expires) {
		w.view.CodeExpires = at
	}
	w.redeemed = w.redeemed || s.State == wire.StateRedeemed
	if w.view.State == StateApproved {
		w.fetch()
	}
}

// fetch asks for the tokens of an approved grant at once.
func (w *watch) fetch() {
	w.again = w.polling
	w.ask(time.Now())
}

// dropped decides what follows the end of a channel.
func (w *watch) dropped(d drop) {
	wasUp := w.line.up()
	p := w.line.dropped(d)
	w.numberMayBeLost()
	if wasUp || p.ask {
		w.ask(w.soonest())
	}
	w.client.log.Debug("the push channel ended", "error", d.err, "code", d.code, "status", d.status, "again", !p.never)
}
