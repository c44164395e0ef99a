package keychain

import (
	"encoding/base64"
	"errors"
	"fmt"
	"sync"

	"github.com/zalando/go-keyring"

	"github.com/qrauthd/qrauthd/desktop"
)

// System returns the store of the operating system's keychain: Keychain on
// macOS, Credential Manager on Windows, the Secret Service on Linux and the BSDs.
// Service is what people see there; the app's name is a good one.
//
// Some keychains hold no more than about 2500 bytes an entry. Longer data are
// spread over several entries, and a Save that is cut off leaves the old data
// readable.
//
// Every method returns an error that is ErrUnavailable when there is no
// keychain, or a Secret Service without any collection. One that is locked is
// another error: it is there, so ask the person to unlock it.
func System(service string) desktop.Store { return &system{service: service} }

type system struct {
	service string
	mu      sync.Mutex // one Save at a time: it writes several entries
}

var _ desktop.Store = (*system)(nil)

func (s *system) Load(key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, err := s.head(key)
	if err != nil {
		return nil, s.fault("read", key, err)
	}
	text := h.inline
	for _, name := range h.names(key) {
		part, err := keyring.Get(s.service, name)
		if err != nil {
			return nil, s.fault("read", key, err)
		}
		text += part
	}
	data, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, s.fault("read", key, err)
	}
	return data, nil
}

// Save writes the parts, then the head that names them, and only then drops the
// parts of before.
func (s *system) Save(key string, data []byte) error {
	if len(data) > maxSize {
		return fmt.Errorf("keep %q in the keychain: %d bytes are too many, want %d at most", key, len(data), maxSize)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, err := s.head(key)
	if err != nil && !errors.Is(err, keyring.ErrNotFound) && !errors.Is(err, errHead) {
		return s.fault("keep", key, err)
	}
	h, parts := split(data)
	for i, name := range h.names(key) {
		if err := keyring.Set(s.service, name, parts[i]); err != nil {
			return s.fault("keep", key, err)
		}
	}
	if err := keyring.Set(s.service, key, h.String()); err != nil {
		return s.fault("keep", key, err)
	}
	if old.sum == h.sum {
		return nil
	}
	return s.drop(key, old)
}

func (s *system) Delete(key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, err := s.head(key)
	if errors.Is(err, keyring.ErrNotFound) {
		return nil
	}
	if err != nil && !errors.Is(err, errHead) {
		return s.fault("forget", key, err)
	}
	if err := keyring.Delete(s.service, key); err != nil && !errors.Is(err, keyring.ErrNotFound) {
		return s.fault("forget", key, err)
	}
	return s.drop(key, old)
}

func (s *system) head(key string) (head, error) {
	text, err := keyring.Get(s.service, key)
	if err != nil {
		return head{}, err
	}
	return parseHead(text)
}

func (s *system) drop(key string, h head) error {
	for _, name := range h.names(key) {
		if err := keyring.Delete(s.service, name); err != nil && !errors.Is(err, keyring.ErrNotFound) {
			return s.fault("forget", key, err)
		}
	}
	return nil
}

// fault turns a keychain's error into one of ours.
func (s *system) fault(verb, key string, err error) error {
	switch {
	case errors.Is(err, keyring.ErrNotFound):
		return desktop.ErrNotFound
	case unavailable(err):
		return fmt.Errorf("%w (%w)", ErrUnavailable, err)
	}
	return fmt.Errorf("%s %q in the keychain: %w", verb, key, err)
}
