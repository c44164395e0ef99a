package oauth

import (
	"slices"
	"sync"
	"testing"
)

func TestTheCrewIsNoMoreThanItsSize(t *testing.T) {
	const jobs = 10 * crewSize
	var c crew
	var mu sync.Mutex
	var busy, most int
	var begun, done sync.WaitGroup
	begun.Add(crewSize)
	done.Add(jobs)
	release := make(chan struct{})
	for i := range jobs {
		c.do(func() {
			defer done.Done()
			mu.Lock()
			busy++
			most = max(most, busy)
			mu.Unlock()
			if i < crewSize {
				begun.Done()
			}
			<-release
			mu.Lock()
			busy--
			mu.Unlock()
		})
	}
	begun.Wait() // all that may are at it
	close(release)
	done.Wait()
	if most != crewSize {
		t.Errorf("%d were at work at the same time, want %d", most, crewSize)
	}
}

func TestTheCrewTakesWhatIsUrgentFirstAndEachInItsTurn(t *testing.T) {
	var c crew
	var mu sync.Mutex
	var order []string
	var done sync.WaitGroup
	note := func(what string) func() {
		done.Add(1)
		return func() {
			defer done.Done()
			mu.Lock()
			defer mu.Unlock()
			order = append(order, what)
		}
	}
	release := occupy(&c, crewSize)
	c.do(note("routine 1"))
	c.do(note("routine 2"))
	c.hurry(note("urgent 1"))
	c.hurry(note("urgent 2"))
	release(1) // one of the crew does all of it, so the order is its own
	done.Wait()
	release(crewSize - 1)
	if want := []string{"urgent 1", "urgent 2", "routine 1", "routine 2"}; !slices.Equal(order, want) {
		t.Errorf("got %q, want %q", order, want)
	}
}

// occupy keeps n of the crew busy until they are released.
func occupy(c *crew, n int) (release func(n int)) {
	free := make(chan struct{})
	var begun sync.WaitGroup
	begun.Add(n)
	for range n {
		c.do(func() { begun.Done(); <-free })
	}
	begun.Wait()
	return func(n int) {
		for range n {
			free <- struct{}{}
		}
	}
}
