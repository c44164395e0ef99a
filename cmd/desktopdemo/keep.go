package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/desktop/keychain"
)

// service is this app's name in the keychain, and its folder's.
const service = "qrauthd-desktopdemo"

// openStore returns where sessions are kept. Without a choice it is the keychain,
// and a file where there is none, which it says.
func openStore(choice string, stderr io.Writer) (desktop.Store, error) {
	switch choice {
	case "file":
		return openFile()
	case "keychain":
		return keychain.System(service), nil
	}
	system := keychain.System(service)
	if !unavailable(system) {
		return system, nil
	}
	store, err := openFile()
	if err == nil {
		fmt.Fprintln(stderr, "This system has no keychain, so the session is kept in a file that only you can read (--store file says so without this note).")
	}
	return store, err
}

// unavailable asks for a key that nobody keeps.
func unavailable(store desktop.Store) bool {
	_, err := store.Load("is there a keychain?")
	return errors.Is(err, keychain.ErrUnavailable)
}

func openFile() (desktop.Store, error) {
	config, err := os.UserConfigDir()
	if err != nil {
		return nil, fmt.Errorf("find a folder for the session: %w", err)
	}
	return keychain.File(filepath.Join(config, service))
}
