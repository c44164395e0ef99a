package keychain_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/desktop/keychain"
)

func ExampleSystem() {
	store := keychain.System("Acme Studio")
	_, err := store.Load("desktop-app at https://login.acme.example")
	switch {
	case errors.Is(err, desktop.ErrNotFound):
		fmt.Println("nothing is kept: sign in")
	case errors.Is(err, keychain.ErrUnavailable):
		fmt.Println("there is no keychain: sign in at each start, or choose File")
	}
	// Output: nothing is kept: sign in
}

func ExampleFile() {
	config, err := os.MkdirTemp("", "acme-*") // an app takes os.UserConfigDir
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(config)
	store, err := keychain.File(filepath.Join(config, "acme-studio"))
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Save("greeting", []byte("hello")); err != nil {
		log.Fatal(err)
	}
	data, err := store.Load("greeting")
	fmt.Println(string(data), err)
	// Output: hello <nil>
}
