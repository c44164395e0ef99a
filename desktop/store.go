package desktop

import "errors"

// Store keeps small secrets by key. Package keychain has two: the system's
// keychain, and a plain folder. Implementations are safe for concurrent use.
type Store interface {
	// Load returns what Save kept, or an error that is ErrNotFound.
	Load(key string) ([]byte, error)
	Save(key string, data []byte) error
	// Delete forgets. A key that is not there is no error.
	Delete(key string) error
}

// ErrNotFound is what a Store returns for a key that it does not hold.
var ErrNotFound = errors.New("not in the store")
