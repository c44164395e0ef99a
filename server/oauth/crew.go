package oauth

import "sync"

// crewSize is how many of the crew are at work at the same time. More would only wait
// for the store's few connections, each with a stack of its own.
const crewSize = 64

// crew does what the sockets want of the store: hellos, news, codes that are due. When
// ten thousand desktops come back at once their sockets stand in line, and only the few
// of the crew grow the stacks that it takes. They end when the line does. The zero value
// is ready.
type crew struct {
	mu      sync.Mutex
	busy    int      // how many are at work; guarded by mu
	urgent  []func() // oldest first; guarded by mu
	routine []func() // oldest first; guarded by mu
}

// hurry has the job done ahead of the routine: somebody has just tapped something. It
// does not block.
func (c *crew) hurry(job func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.urgent = append(c.urgent, job)
	c.call()
}

// do has the job done in its turn. It does not block.
func (c *crew) do(job func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.routine = append(c.routine, job)
	c.call()
}

// call puts one more to work, if one is free. The caller holds mu.
func (c *crew) call() {
	if c.busy < crewSize {
		c.busy++
		go c.work()
	}
}

func (c *crew) work() {
	for job := c.next(); job != nil; job = c.next() {
		job()
	}
}

// next takes the job that is due. Without one it is nil, and one less is at work.
func (c *crew) next() (job func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case len(c.urgent) > 0:
		job, c.urgent = shift(c.urgent)
	case len(c.routine) > 0:
		job, c.routine = shift(c.routine)
	default:
		c.busy--
	}
	return job
}

// shift takes the first out of a line, and lets go of a line that is at its end.
func shift(line []func()) (first func(), rest []func()) {
	first, line[0] = line[0], nil
	if len(line) == 1 {
		return first, nil
	}
	return first, line[1:]
}
