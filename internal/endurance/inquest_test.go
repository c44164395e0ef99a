package endurance

import (
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/grant"
)

// inquest compares what a cut has left with what the server had told, and with itself.
type inquest struct {
	page    page // all of it was told before the cut
	archive *archive
	faults  []string
}

func newInquest(p page) *inquest { return &inquest{page: p, archive: newArchive()} }

// verify has the server's own command judge the audit log.
func (q *inquest) verify(dir string) {
	if out, err := exec.Command(built, "audit", "verify", "--data", dir).CombinedOutput(); err != nil {
		q.fault("audit verify: %v: %s", err, out)
	}
}

// examine looks into the copy in the folder.
func (q *inquest) examine(dir string) {
	w, err := openWreck(dir)
	if err != nil {
		q.fault("open what is left: %v", err)
		return
	}
	defer w.Close()
	if err := w.sound(); err != nil {
		q.fault("%v", err)
	}
	if err := w.read(q.archive); err != nil {
		q.fault("read what is left: %v", err)
		return
	}
	for name, f := range q.archive.files {
		q.agree(name, f)
	}
	for name, s := range q.page.signIns {
		q.keep(s, q.archive.file(name))
	}
	q.examineAccounts()
}

func (q *inquest) fault(format string, of ...any) {
	if len(q.faults) < maxFaults {
		q.faults = append(q.faults, fmt.Sprintf(format, of...))
	}
}

// want notes what should hold, and what is found instead.
func (q *inquest) want(holds bool, name, promise, found string) {
	if !holds {
		q.fault("%s: %s, but %s", name, promise, found)
	}
}

// The audit log's words.
const (
	recApproved  = "sign_in.approved"
	recNumber    = "sign_in.number_confirmed"
	recDenied    = "sign_in.denied"
	recCancelled = "sign_in.cancelled"
	recSignedIn  = "sign_in.completed"
	recSignedOut = "session.signed_out"
	recReused    = "session.reuse"
)

// agree wants the database to agree with itself: each state has its record and each
// record its state, whoever knows of it.
func (q *inquest) agree(name string, f *file) {
	if len(f.grants) != 1 {
		if len(f.grants) > 1 || q.page.signIns[name].name != "" { // pruned, and forgotten here as well
			q.fault("%s: %d grants, want 1", name, len(f.grants))
		}
		return
	}
	state := grant.State(f.grants[0].state)
	records := map[string]int{recDenied: of(state == grant.Denied), recSignedIn: of(state == grant.Redeemed)}
	switch state {
	case grant.Verifying:
		records[recApproved] = 1
	case grant.Approved, grant.Redeemed:
		records[recApproved] = 1
		records[recNumber] = of(q.awaited(f))
	case grant.Cancelled:
		records[recCancelled] = of(f.grants[0].opened)
	}
	for _, kind := range []string{recApproved, recNumber, recDenied, recCancelled, recSignedIn} {
		if got := f.number(kind); got != records[kind] {
			q.fault("%s is %s: got %d records %s, want %d", name, state, got, kind, records[kind])
		}
	}
	ends := f.number(recSignedOut) + f.number(recReused)
	if got := len(f.sessions) + ends; got != records[recSignedIn] {
		q.fault("%s is %s: got %d sessions, and %d records of their end", name, state, len(f.sessions), ends)
	}
	q.agreeOnNames(name, f)
}

// awaited reports whether a number was asked for.
func (q *inquest) awaited(f *file) bool {
	for _, r := range f.records {
		if r.kind == recApproved && strings.Contains(r.note, "number") {
			return true
		}
	}
	return false
}

// agreeOnNames wants sessions and records to be of this grant, and of one session.
func (q *inquest) agreeOnNames(name string, f *file) {
	id, session := f.grants[0].id, ""
	for _, s := range f.sessions {
		q.want(s.grant == id, name, "one grant", "its session is another's")
		q.want(s.present > 0, name, "a session can be refreshed", fmt.Sprintf("it has no token of its generation, %d", s.generation))
		session = s.id
	}
	for _, r := range f.records {
		q.want(r.grant == id, name, "one grant", "a record of "+r.kind+" is about another")
		if r.session == "" {
			continue
		}
		q.want(session == "" || session == r.session, name, "one session", "a record of "+r.kind+" is about another")
		session = r.session
	}
}

func of(holds bool) int {
	if holds {
		return 1
	}
	return 0
}

// keep wants the server to stand by what it has told of a sign-in, and wants nothing to
// have happened that nobody had asked for.
func (q *inquest) keep(s signIn, f *file) {
	if s.fates[begun] == told {
		q.want(len(f.grants) == 1, s.name, "its code was given out", "there is no grant")
	}
	if len(f.grants) != 1 {
		return
	}
	state := grant.State(f.grants[0].state)
	isProved := state == grant.Verifying || state == grant.Approved || state == grant.Redeemed
	for _, c := range []struct {
		fact  fact
		holds bool
	}{
		{proved, isProved},
		{approved, isProved && state != grant.Verifying},
		{denied, state == grant.Denied},
		{cancelled, state == grant.Cancelled},
		{signedIn, state == grant.Redeemed},
		{signedOut, f.number(recSignedOut) == 1 && len(f.sessions) == 0},
		{reused, f.number(recReused) == 1 && len(f.sessions) == 0},
	} {
		switch s.fates[c.fact] {
		case told:
			q.want(c.holds, s.name, "it was told to be "+c.fact.String(), q.found(f))
		case never:
			q.want(!c.holds || q.foreseen(s, c.fact), s.name, "nobody asked for it to be "+c.fact.String(), q.found(f))
		}
	}
	q.keepSession(s, f)
}

// foreseen reports what may happen without being asked for by that name: a refresh that
// is repeated may end the session.
func (q *inquest) foreseen(s signIn, f fact) bool { return f == reused && s.fates[refreshed] != never }

// keepSession is keep for what became of the sign-in.
func (q *inquest) keepSession(s signIn, f *file) {
	for _, r := range f.records {
		if r.session != "" && s.session != "" {
			q.want(r.session == s.session, s.name, "its tokens are of one session", "a record of "+r.kind+" is about another")
		}
	}
	for _, row := range f.sessions {
		q.want(s.session == "" || row.id == s.session, s.name, "its tokens are of one session", "the session is another")
		q.want(row.generation >= s.refreshes, s.name, fmt.Sprintf("%d refreshes were answered", s.refreshes),
			fmt.Sprintf("the session is at %d", row.generation))
	}
	if s.interrupted.IsZero() {
		return
	}
	row := f.grants[0]
	q.want(row.state == string(grant.Redeemed), s.name, "its code was refused as used", q.found(f))
	if s.sort == app {
		q.want(!s.interrupted.Before(row.redeemedAt.Add(grant.RepeatFor)), s.name, "its key may repeat a poll for "+grant.RepeatFor.String(),
			"it could not after "+s.interrupted.Sub(row.redeemedAt).Round(time.Millisecond).String())
	}
}

func (q *inquest) found(f *file) string {
	text := fmt.Sprintf("it is %s with %d sessions, and the log has", f.grants[0].state, len(f.sessions))
	for _, r := range f.records {
		text += " " + r.kind
	}
	return text
}

// examineAccounts wants each account to be whole, and those to be there that were told.
func (q *inquest) examineAccounts() {
	for name, a := range q.archive.accounts {
		q.want(q.page.accounts[name] != never, name, "nobody asked for the account", "there is one")
		q.want(a.users <= 1 && a.records == a.users && a.passkeys == a.users, name, "an account has a passkey and a record",
			fmt.Sprintf("got %d accounts, %d passkeys, %d records", a.users, a.passkeys, a.records))
	}
	for name, fate := range q.page.accounts {
		q.want(fate != told || q.archive.account(name).users == 1, name, "the account was made", "it is missing")
	}
}
