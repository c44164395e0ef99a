package resource

// ParseAuthorization tells what a header was understood as; empty: nothing for us.
func ParseAuthorization(values []string) (printed string, err error) {
	c, err := parseAuthorization(values)
	if err != nil || c.token == "" {
		return "", err
	}
	return c.String(), nil
}

// Bound makes what is remembered of introspections and of proofs small enough to
// be filled.
func (v *Verifier) Bound(max int) {
	if v.activity != nil {
		v.activity.max = max
	}
	v.replays.(*memory).max = max
}

// Answers is how many introspections are remembered.
func (v *Verifier) Answers() int {
	v.activity.mu.Lock()
	defer v.activity.mu.Unlock()
	return len(v.activity.answers)
}
