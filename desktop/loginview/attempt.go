package loginview

import (
	"context"

	"github.com/qrauthd/qrauthd/desktop"
)

// starter begins a sign-in, as *desktop.Client does: by phone, or in this
// computer's browser where the server offers that.
type starter interface {
	start(ctx context.Context) (login, error)
	startHere(ctx context.Context) (login, error)
	offersHere(ctx context.Context) bool
}

// login is a sign-in under way, as *desktop.Login is.
type login interface {
	Updates() <-chan desktop.Update
	Wait(ctx context.Context) (*desktop.Session, error)
	Done() <-chan struct{}
	Current() desktop.Update
	ConfirmNumber(ctx context.Context, number string) error
	// greet asks for the name of whom the session belongs to.
	greet(ctx context.Context, s *desktop.Session) string
	// discard ends a session that came too late to be wanted.
	discard(ctx context.Context, s *desktop.Session)
}

// attempt follows one login, on a goroutine that ends with it.
type attempt struct {
	view   *View
	begin  func(ctx context.Context) (login, error)
	cancel context.CancelFunc
	ended  chan struct{} // closed when the goroutine is over
	login  login         // the view's: set with its first update
}

// tell brings news to the view, unless the view has turned to something else.
func (a *attempt) tell(news func(v *View)) {
	a.view.do(func() {
		if a.view.attempt == a || a.view.next == a {
			news(a.view)
		}
	})
}

func (a *attempt) run(ctx context.Context) {
	defer close(a.ended)
	defer a.cancel()
	login, err := a.begin(ctx)
	if err != nil {
		a.tell(func(v *View) { v.ended(err) })
		return
	}
	offered := !a.view.opts.HideHere && a.view.starter.offersHere(ctx) // known by now: the start has asked
	for u := range login.Updates() {
		if u.Err == nil && !u.State.Terminal() { // endings come by Wait
			a.tell(func(v *View) { a.login, v.offered = login, offered; v.updated(u) })
		}
	}
	session, err := login.Wait(context.WithoutCancel(ctx)) // it has ended: the updates are over
	if err != nil {
		a.tell(func(v *View) { v.ended(err) })
		<-login.Done()
		return
	}
	a.finish(ctx, login, session)
}

// confirm brings a number to the login, on a goroutine that ends with the login at the
// latest.
func (a *attempt) confirm(number string) {
	login := a.login
	go func() {
		err := login.ConfirmNumber(context.Background(), number)
		u := login.Current() // not older than the outcome
		a.tell(func(v *View) { v.confirmed(err, u) })
	}()
}

// finish hands the session over and greets the person.
func (a *attempt) finish(ctx context.Context, login login, session *desktop.Session) {
	limited, stop := context.WithTimeout(context.WithoutCancel(ctx), greetLimit)
	defer stop()
	if !a.deliver(ctx, session) {
		login.discard(limited, session)
		return
	}
	name := login.greet(limited, session)
	a.tell(func(v *View) { v.welcomed(session, name) })
}

// deliver hands the session over and reports whether somebody took it: the
// person may have left while the tokens were on their way.
func (a *attempt) deliver(ctx context.Context, session *desktop.Session) bool {
	taken := make(chan struct{})
	a.tell(func(v *View) {
		close(taken)
		v.signedIn(session)
	})
	select {
	case <-taken:
		return true
	case <-ctx.Done(): // dropped, and what is told after that is not heard
	}
	select {
	case <-taken:
		return true
	default:
		return false
	}
}

// clientStarter is the real thing.
type clientStarter struct{ client *desktop.Client }

func (c clientStarter) start(ctx context.Context) (login, error) {
	l, err := c.client.Start(ctx)
	if err != nil {
		return nil, err
	}
	return clientLogin{l}, nil
}

func (c clientStarter) startHere(ctx context.Context) (login, error) {
	l, err := c.client.StartHere(ctx)
	if err != nil {
		return nil, err
	}
	return clientLogin{l}, nil
}

func (c clientStarter) offersHere(ctx context.Context) bool {
	offers, err := c.client.OffersHere(ctx)
	return err == nil && offers
}

type clientLogin struct{ *desktop.Login }

func (clientLogin) greet(ctx context.Context, s *desktop.Session) string {
	info, err := s.UserInfo(ctx)
	if err != nil {
		return "" // signed in all the same: the welcome does without a name
	}
	return info.Name
}

func (clientLogin) discard(ctx context.Context, s *desktop.Session) {
	_ = s.SignOut(ctx) // nobody is there to be told of a failure, and the session runs out by itself
}
