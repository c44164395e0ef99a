package webhook_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/store"
)

func TestANoticeIsDeliveredOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		defer w.run(w.config(w.store))()
		w.signedIn(1)
		w.wait(2 * time.Second)
		if got := w.requests(); len(got) != 1 || !strings.Contains(got[0].body, "Ada-the-person") {
			t.Fatalf("got %+v, want the notice", got)
		}
		if left := w.outbox(); len(left) != 0 {
			t.Errorf("it is still in the outbox: %+v", left)
		}
		w.clock.Advance(24 * time.Hour)
		w.wait(5 * time.Second)
		if got := w.requests(); len(got) != 1 {
			t.Errorf("got %d requests, want one", len(got))
		}
	})
}

func TestABacklogIsDeliveredWithoutWaitingInBetween(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.signedIn(100)
		begun := time.Now()
		defer w.run(w.config(w.store))()
		synctest.Wait()
		if got := w.ids(); len(got) != 100 || time.Since(begun) != 0 {
			t.Errorf("got %d notices after %s, want 100 at once", len(got), time.Since(begun))
		}
	})
}

func TestANoticeThatNobodyTakesIsGivenUpAfterThreeDays(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = always(http.StatusInternalServerError)
		w.signedIn(1)
		begun := w.clock.Now()
		defer w.run(w.config(w.store))()
		w.wait(2 * time.Second)
		for range 50 {
			left := w.outbox()
			if len(left) == 0 {
				break
			}
			w.clock.Advance(left[0].DueAt.Sub(w.clock.Now()) - time.Second)
			tries := len(w.requests())
			synctest.Wait()
			if len(w.requests()) != tries {
				t.Fatalf("it was tried before it was due")
			}
			w.wait(2 * time.Second)
		}
		got := w.requests()
		last := got[len(got)-1].at.Sub(begun)
		if len(got) != 10 || last < 72*time.Hour || last > 72*time.Hour+3*time.Second {
			t.Errorf("got %d tries, the last after %s; want 10 within 72 h", len(got), last)
		}
		if len(w.ids()) != 1 {
			t.Errorf("got the IDs %v, want one and the same", w.ids())
		}
		want := []string{"a notice of sign_in.completed was given up: it was tried for long enough (tries: 10)"}
		if diff := cmp.Diff(want, w.undelivered()); diff != "" {
			t.Errorf("audit log (-want +got)\n%s", diff)
		}
		if report, err := audit.Verify(t.Context(), w.store, audit.Check{}); err != nil || report.Records != 2 {
			t.Errorf("the audit log: got %+v, %v; want two records, whole", report, err)
		}
		if left := w.outbox(); len(left) != 0 {
			t.Errorf("the outbox has %+v, want nothing: no notice of a notice", left)
		}
		if !strings.Contains(w.log.String(), "level=ERROR") {
			t.Errorf("the log does not tell: %s", w.log)
		}
	})
}

func TestWhatBecomesOfANotice(t *testing.T) {
	for name, tc := range map[string]struct {
		answer func(*http.Request) (*http.Response, error)
		left   int // in the outbox
		due    time.Duration
		gone   bool // with a word in the audit log
	}{
		"200":                           {answer: always(http.StatusOK)},
		"299":                           {answer: always(299)},
		"redirected":                    {answer: always(http.StatusFound, "Location", "https://elsewhere.example/"), left: 1, due: 5 * time.Second},
		"redirected with the body":      {answer: always(http.StatusPermanentRedirect, "Location", "https://elsewhere.example/"), left: 1, due: 5 * time.Second},
		"400":                           {answer: always(http.StatusBadRequest), left: 1, due: 5 * time.Second},
		"404":                           {answer: always(http.StatusNotFound), left: 1, due: 5 * time.Second},
		"500, whatever it asks":         {answer: always(http.StatusInternalServerError, "Retry-After", "600"), left: 1, due: 5 * time.Second},
		"no connection":                 {answer: func(*http.Request) (*http.Response, error) { return nil, errors.New("refused") }, left: 1, due: 5 * time.Second},
		"429 that asks for ten minutes": {answer: always(http.StatusTooManyRequests, "Retry-After", "600"), left: 1, due: 10 * time.Minute},
		"503 that asks for a year":      {answer: always(http.StatusServiceUnavailable, "Retry-After", "31536000"), left: 1, due: time.Hour},
		"503 that asks for nothing":     {answer: always(http.StatusServiceUnavailable), left: 1, due: 5 * time.Second},
		"410":                           {answer: always(http.StatusGone), gone: true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.answer = tc.answer
				w.signedIn(1)
				at := w.clock.Now()
				stop := w.run(w.config(w.store))
				synctest.Wait()
				stop()
				if got := w.requests(); len(got) != 1 {
					t.Errorf("got %d requests, want one: %+v", len(got), got)
				}
				left := w.outbox()
				if len(left) != tc.left {
					t.Fatalf("the outbox has %+v, want %d", left, tc.left)
				}
				if tc.left > 0 {
					due := left[0].DueAt.Sub(at)
					if left[0].Tries != 1 || due < tc.due*9/10 || due > tc.due*11/10 {
						t.Errorf("after %d tries it is due after %s, want about %s", left[0].Tries, due, tc.due)
					}
				}
				if got := len(w.undelivered()); (got == 1) != tc.gone {
					t.Errorf("the audit log tells of %d that were given up", got)
				}
			})
		})
	}
}

func TestAReceiverThatAsksForQuietHasItFromAll(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var n atomic.Int64
		w.answer = func(*http.Request) (*http.Response, error) {
			if n.Add(1) == 1 {
				return status(http.StatusTooManyRequests, "Retry-After", "60"), nil
			}
			return status(http.StatusNoContent), nil
		}
		w.signedIn(1)
		defer w.run(w.config(w.store))()
		synctest.Wait()
		w.signedIn(20)
		w.wait(59 * time.Second)
		if got := len(w.requests()); got != 1 {
			t.Errorf("got %d requests within the minute, want the first only", got)
		}
		w.wait(3 * time.Second)
		if got := len(w.outbox()); got != 0 {
			t.Errorf("%d are left after the minute, want none", got)
		}
	})
}

func TestFewDeliveriesAreUnderWayAtOnceAndASlowOneHoldsUpNobody(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var under, most atomic.Int64
		var slow atomic.Bool
		w.answer = func(r *http.Request) (*http.Response, error) {
			defer under.Add(-1)
			n := under.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			wait := time.Millisecond
			if slow.CompareAndSwap(false, true) {
				wait = 20 * time.Second
			}
			select {
			case <-time.After(wait):
				return status(http.StatusNoContent), nil
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		}
		w.signedIn(50)
		defer w.run(w.config(w.store))()
		w.wait(time.Second)
		if got := len(w.outbox()); got != 1 {
			t.Errorf("%d are left after a second, want the slow one only", got)
		}
		w.wait(20 * time.Second)
		if got := len(w.outbox()); got != 0 {
			t.Errorf("%d are left in the end, want none", got)
		}
		if got := most.Load(); got != 4 {
			t.Errorf("%d were under way at once, want 4", got)
		}
	})
}

func TestAReceiverThatNeverAnswersIsLeftAfterHalfTheLease(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = hang
		w.signedIn(1)
		defer w.run(w.config(w.store))()
		w.wait(30 * time.Second)
		if left := w.outbox(); len(left) != 1 || left[0].Tries != 1 {
			t.Errorf("got %+v, want one that was tried once", left)
		}
	})
}

// hang answers when nobody listens any more.
func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestASenderThatEndsLetsWhatIsUnderWayComeToItsEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = func(r *http.Request) (*http.Response, error) {
			time.Sleep(3 * time.Second)
			return status(http.StatusOK), r.Context().Err()
		}
		w.signedIn(10)
		stop := w.run(w.config(w.store))
		synctest.Wait()
		begun := time.Now()
		stop()
		if got := time.Since(begun); got != 3*time.Second {
			t.Errorf("it ended after %s, want 3 s", got)
		}
		if got := len(w.requests()); got != 4 {
			t.Errorf("got %d requests, want the 4 that were under way", got)
		}
		if got := len(w.outbox()); got != 6 {
			t.Errorf("%d are left, want the 6 that had not begun", got)
		}
	})
}

func TestASenderThatEndsDoesNotWaitForLong(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = hang
		w.signedIn(1)
		stop := w.run(w.config(w.store))
		synctest.Wait()
		begun := time.Now()
		stop()
		if got := time.Since(begun); got != 5*time.Second {
			t.Errorf("it ended after %s, want 5 s", got)
		}
		if left := w.outbox(); len(left) != 1 || left[0].Tries != 0 {
			t.Errorf("got %+v, want one that does not count as tried", left)
		}
	})
}

func TestARestartGoesOnWhereTheOtherStopped(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = always(http.StatusBadGateway)
		w.signedIn(3)
		stop := w.run(w.config(w.store))
		w.wait(10 * time.Second)
		stop()
		before := w.ids()
		if len(before) != 3 {
			t.Fatalf("got %v, want three notices", before)
		}
		if err := w.store.Close(); err != nil {
			t.Fatal(err)
		}
		w.store = w.open()
		w.answer = nil
		defer w.run(w.config(w.store))()
		w.wait(10 * time.Second)
		if got := len(w.outbox()); got != 3 {
			t.Errorf("%d are left before they are due again, want 3", got)
		}
		w.clock.Advance(6 * time.Minute)
		w.wait(2 * time.Second)
		if got := len(w.outbox()); got != 0 {
			t.Errorf("%d are left, want none", got)
		}
		for id, n := range w.ids() {
			if n != 3 || before[id] != 2 {
				t.Errorf("%s: got %d tries, %d of them before; want 3 and 2", id, n, before[id])
			}
		}
	})
}

// forgetful is a store that fails to note what became of a delivery, as a server does
// that was killed.
type forgetful struct {
	store.Store
	updates atomic.Int64
}

func (f *forgetful) Update(ctx context.Context, fn func(store.Tx) error) error {
	if f.updates.Add(1) > 1 { // the first is the lease
		return store.ErrUnavailable
	}
	return f.Store.Update(ctx, fn)
}

func TestANoticeWhoseDeliveryWasNotNotedComesAgainWithTheSameID(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.signedIn(1)
		stop := w.run(w.config(&forgetful{Store: w.store}))
		w.wait(2 * time.Second)
		stop()
		if got := len(w.requests()); got != 1 {
			t.Fatalf("got %d requests, want one", got)
		}
		defer w.run(w.config(w.store))()
		w.wait(50 * time.Second)
		if got := len(w.requests()); got != 1 {
			t.Errorf("got %d requests within the lease, want one", got)
		}
		w.wait(15 * time.Second)
		if got := w.ids(); len(got) != 1 || len(w.requests()) != 2 {
			t.Errorf("got %v, want one notice twice", got)
		}
		if got := len(w.outbox()); got != 0 {
			t.Errorf("%d are left, want none", got)
		}
	})
}

func TestTwoServersDeliverEachNoticeOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.answer = func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Millisecond)
			return status(http.StatusNoContent), nil
		}
		defer w.run(w.config(w.store))()
		defer w.run(w.config(w.open()))()
		w.signedIn(200)
		w.wait(5 * time.Second)
		got := w.ids()
		if len(got) != 200 || len(w.requests()) != 200 {
			t.Errorf("got %d notices in %d requests, want 200 and 200", len(got), len(w.requests()))
		}
		if left := len(w.outbox()); left != 0 {
			t.Errorf("%d are left, want none", left)
		}
	})
}

func TestANoticeThatAnotherServerHasDeliveredMeanwhileIsLetBe(t *testing.T) {
	for _, code := range []int{http.StatusOK, http.StatusInternalServerError, http.StatusGone} {
		t.Run(http.StatusText(code), func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.answer = func(r *http.Request) (*http.Response, error) {
					remove := func(tx store.Tx) error { return tx.RemoveMessage(r.Header.Get("webhook-id")) }
					return status(code), w.store.Update(context.Background(), remove)
				}
				w.signedIn(1)
				defer w.run(w.config(w.store))()
				w.wait(10 * time.Second)
				if left := w.outbox(); len(left) != 0 || len(w.requests()) != 1 {
					t.Errorf("got %d requests, and %+v in the outbox; want one, and nothing", len(w.requests()), left)
				}
				if notes := w.undelivered(); len(notes) != 0 || strings.Contains(w.log.String(), "cannot be noted") {
					t.Errorf("got %q in the audit log, and %s; want nothing of it", notes, w.log)
				}
			})
		})
	}
}

// ill is a store that cannot be read for a while.
type ill struct {
	store.Store
	well atomic.Bool
}

func (i *ill) View(ctx context.Context, fn func(store.Tx) error) error {
	if !i.well.Load() {
		return store.ErrUnavailable
	}
	return i.Store.View(ctx, fn)
}

func TestAStoreThatFailsForAWhileIsLoggedOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		st := &ill{Store: w.store}
		w.signedIn(1)
		defer w.run(w.config(st))()
		w.wait(time.Minute)
		if got := strings.Count(w.log.String(), "level=ERROR"); got != 1 {
			t.Errorf("got %d errors in the log, want one: %s", got, w.log)
		}
		st.well.Store(true)
		w.wait(2 * time.Second)
		if got := len(w.requests()); got != 1 {
			t.Errorf("got %d requests after it, want one", got)
		}
	})
}

func TestNoSecretIsLogged(t *testing.T) {
	for name, answer := range map[string]func(*http.Request) (*http.Response, error){
		"delivered":  nil,
		"redirected": always(http.StatusFound, "Location", "/path-token"),
		"refused":    always(http.StatusForbidden),
		"given up":   always(http.StatusGone),
		"unanswered": hang,
		"unreached":  func(*http.Request) (*http.Response, error) { return nil, errors.New("refused") },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.answer = answer
				w.signedIn(1)
				stop := w.run(w.config(w.store))
				w.wait(40 * time.Second)
				stop()
				log := w.log.String()
				if !strings.Contains(log, "https://hooks.example:8443") {
					t.Errorf("the log does not say where: %s", log)
				}
				for _, word := range []string{"pass-word", "path-token", "query-token", anotherSecret[6:], "Ada-the-person", "192.0.2.7", "v1,"} {
					if strings.Contains(log, word) {
						t.Errorf("the log has %q in it: %s", word, log)
					}
				}
			})
		})
	}
}

func TestAClockThatIsSetBackHoldsUpNoNotice(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var n atomic.Int64
		w.answer = func(*http.Request) (*http.Response, error) {
			if n.Add(1) == 1 {
				return status(http.StatusTooManyRequests, "Retry-After", "60"), nil
			}
			return status(http.StatusNoContent), nil
		}
		w.signedIn(1)
		defer w.run(w.config(w.store))()
		synctest.Wait()
		w.clock.Set(-time.Hour)
		w.signedIn(1)
		w.wait(70 * time.Second)
		if got := len(w.outbox()); got != 0 {
			t.Errorf("%d are left, want none: the receiver's minute is over", got)
		}
		list := w.requests()
		for _, r := range list[1:] {
			// A receiver refuses what is from another time than its own.
			if got, want := r.header.Get("webhook-timestamp"), strconv.FormatInt(r.at.Unix(), 10); got != want {
				t.Errorf("got the timestamp %s, want %s", got, want)
			}
		}
		if len(list) != 3 {
			t.Errorf("got %d requests, want one in vain and two", len(list))
		}
	})
}
