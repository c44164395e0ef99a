package auth

import "time"

// User is a person's account.
type User struct {
	ID        UserID
	Name      string
	Disabled  bool
	CreatedAt time.Time
}
