package phone_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/store"
)

// seeing counts the readings of a store.
type seeing struct {
	store.Store
	views atomic.Int32
}

func (s *seeing) View(ctx context.Context, fn func(store.Tx) error) error {
	s.views.Add(1)
	return s.Store.View(ctx, fn)
}

func TestStatusAnswersWhenTheGrantChanges(t *testing.T) {
	s := serve(t, budget.Limits{})
	g, _ := s.Start(logintest.App)
	b := s.browser()
	opening := b.open(g)
	answers := make(chan answer, 1)
	go func() { answers <- b.get("/confirm/" + opening + "/status?since=1") }()
	for s.Hub.Waiting() == 0 { // until the request waits
	}
	if err := s.Cancel(t.Context(), logintest.App, g.ID, logintest.Home); err != nil {
		t.Fatal(err)
	}
	select {
	case a := <-answers:
		if !strings.Contains(a.body, `"state":"cancelled"`) {
			t.Errorf("got %s, want cancelled", a.body)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the long poll did not hear of the change")
	}
}

func TestStatusDoesNotWaitForAGrantThatIsOver(t *testing.T) {
	for name, end := range map[string]func(s *site, g grant.Grant){
		"expired": func(s *site, _ grant.Grant) { s.Clock.Advance(auth.DefaultLifetime) },
		"denied and then out of time": func(s *site, g grant.Grant) {
			_ = s.Deny(t.Context(), logintest.At("another phone"), g.ID)
			s.Clock.Advance(auth.DefaultLifetime)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, budget.Limits{})
			g, _ := s.Start(logintest.App)
			b := s.browser()
			opening := b.open(g)
			end(s, g)
			counted := &seeing{Store: s.Service.Store}
			s.Service.Store = counted
			for _, since := range []string{"1", "2", "3", "999"} {
				if a := b.get("/confirm/" + opening + "/status?since=" + since); a.StatusCode != http.StatusOK {
					t.Errorf("since %s: got %s", since, a.Status)
				}
			}
			if n := counted.views.Load(); n != 4 {
				t.Errorf("four requests read the store %d times", n)
			}
		})
	}
}

func TestStatusKeepsTheCodeFromThoseWhoCannotDecide(t *testing.T) {
	s := serve(t, budget.Limits{})
	g, _ := s.Start(logintest.App)
	first, second := s.browser(), s.browser()
	mine, theirs := first.open(g), second.open(g)
	first.call("/confirm/"+mine+"/begin", struct{}{})
	if a := first.get("/confirm/" + mine + "/status"); !strings.Contains(a.body, g.Code.String()) {
		t.Errorf("the browser that decides: got %s, want the code to compare", a.body)
	}
	if a := second.get("/confirm/" + theirs + "/status"); strings.Contains(a.body, g.Code.String()) {
		t.Errorf("another browser: got %s, want no code", a.body)
	}
	first.form("/confirm/"+mine+"/deny", nil)
	if a := first.get("/confirm/" + mine + "/status"); strings.Contains(a.body, g.Code.String()) {
		t.Errorf("after the denial: got %s, want no code", a.body)
	}
}

func TestAStoppingServerAnswersItsLongPolls(t *testing.T) {
	s := serve(t, budget.Limits{})
	g, _ := s.Start(logintest.App)
	b := s.browser()
	opening := b.open(g)
	answers := make(chan answer, 1)
	go func() { answers <- b.get("/confirm/" + opening + "/status?since=1") }()
	for s.Hub.Waiting() == 0 {
	}
	s.face.Drain()
	select {
	case a := <-answers:
		if a.StatusCode != http.StatusOK || !strings.Contains(a.body, `"state":"pending"`) {
			t.Errorf("got %s %s, want the state as it is", a.Status, a.body)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the long poll goes on")
	}
}
