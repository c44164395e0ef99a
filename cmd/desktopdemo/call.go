package main

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/qrauthd/qrauthd/desktop"
)

// maxAnswer bounds what is printed of an API's answer, in bytes.
const maxAnswer = 64 << 10

// callAPI asks an API of the app's own as the person who is signed in, and prints what
// it says.
func (a app) callAPI(ctx context.Context, session *desktop.Session) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.call, nil)
	if err != nil {
		return fmt.Errorf("call the API: %w", err)
	}
	answer, err := session.HTTPClient().Do(r)
	if err != nil {
		return fmt.Errorf("call the API: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the API's answer: %w", err)
	}
	fmt.Fprintf(a.stdout, "%s\n%s", answer.Status, body)
	if answer.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("the API refused (%s): %s", answer.Status, answer.Header.Get("WWW-Authenticate"))
	}
	return nil
}
