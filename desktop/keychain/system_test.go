package keychain_test

import (
	"bytes"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/zalando/go-keyring"
	"go.uber.org/goleak"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/desktop/keychain"
)

// inService says, in a test process that another one started, how the Secret
// Service around it is: "open" or "empty".
const inService = "KEYCHAIN_TEST_SERVICE"

// errWithoutBus is what the real keychain says where there is no session bus.
var errWithoutBus error

func TestMain(m *testing.M) {
	if os.Getenv(inService) != "" {
		os.Exit(m.Run()) // the bus's connection stays open, which goleak would mind
	}
	os.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
	if runtime.GOOS == "linux" {
		_, errWithoutBus = keychain.System("qrauthd-test").Load("key")
	}
	fresh()
	goleak.VerifyTestMain(m)
}

// fresh puts an empty keychain in memory in place of the system's, but where a
// real one was made for the tests.
func fresh() {
	if os.Getenv(inService) == "" {
		keyring.MockInit()
	}
}

func TestWithoutAKeychainTheErrorSaysSo(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("this system always has one")
	}
	if !errors.Is(errWithoutBus, keychain.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", errWithoutBus)
	}
}

// stores are the implementations of desktop.Store.
func stores(t *testing.T) map[string]desktop.Store {
	fresh()
	file, err := keychain.File(t.TempDir() + "/sessions")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]desktop.Store{"System": keychain.System("qrauthd-test"), "File": file}
}

func TestEveryStoreKeepsItsContract(t *testing.T) {
	values := map[string][]byte{
		"nothing":           {},
		"a line":            []byte(`{"access_token":"x"}`),
		"bytes, not text":   {0, 0xff, '\n', 0x80},
		"as much as a part": bytes.Repeat([]byte{'a'}, 1500),
		"more than a part":  bytes.Repeat([]byte("abc"), 501),
		"a lot":             bytes.Repeat([]byte("0123456789"), 4000),
	}
	for name, store := range stores(t) {
		t.Run(name, func(t *testing.T) {
			const key = "app at https://login.example.com/a?b=c"
			if _, err := store.Load(key); !errors.Is(err, desktop.ErrNotFound) {
				t.Errorf("Load of nothing: got %v, want ErrNotFound", err)
			}
			if err := store.Delete(key); err != nil {
				t.Errorf("Delete of nothing: %v", err)
			}
			for what, value := range values { // each over the one before
				if err := store.Save(key, value); err != nil {
					t.Fatalf("Save %s: %v", what, err)
				}
				if got, err := store.Load(key); err != nil || !bytes.Equal(got, value) {
					t.Errorf("Load %s: got %d bytes, %v, want %d", what, len(got), err, len(value))
				}
			}
			if _, err := store.Load("another key"); !errors.Is(err, desktop.ErrNotFound) {
				t.Errorf("Load of another key: got %v, want ErrNotFound", err)
			}
			if err := store.Delete(key); err != nil {
				t.Errorf("Delete: %v", err)
			}
			if _, err := store.Load(key); !errors.Is(err, desktop.ErrNotFound) {
				t.Errorf("Load after Delete: got %v, want ErrNotFound", err)
			}
		})
	}
}

func TestALargeValueFitsInSmallEntriesAndLeavesNone(t *testing.T) {
	fresh()
	s := keychain.System("svc")
	large := bytes.Repeat([]byte{'x'}, 4000)
	if err := s.Save("key", large); err != nil {
		t.Fatal(err)
	}
	head, err := keyring.Get("svc", "key")
	if err != nil || !strings.HasPrefix(head, "v1 parts 3 ") {
		t.Fatalf("head: got %q, %v", head, err)
	}
	sum := strings.Fields(head)[3]
	for _, name := range []string{"key #" + sum + "-1", "key #" + sum + "-2", "key #" + sum + "-3"} {
		if part, err := keyring.Get("svc", name); err != nil || len(part) > 2000 {
			t.Errorf("%s: got %d bytes, %v", name, len(part), err)
		}
	}
	if err := s.Save("key", []byte("small")); err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.Get("svc", "key #"+sum+"-1"); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("an old part stayed behind: %v", err)
	}
	if err := s.Save("key", make([]byte, 1<<20)); err == nil {
		t.Error("a megabyte was taken")
	}
}

func TestAnEntryThatIsNotOursIsAnErrorAndCanBeReplaced(t *testing.T) {
	fresh()
	if err := keyring.Set("svc", "key", "hello"); err != nil {
		t.Fatal(err)
	}
	s := keychain.System("svc")
	if _, err := s.Load("key"); err == nil || errors.Is(err, desktop.ErrNotFound) {
		t.Errorf("Load: got %v, want an error of its own", err)
	}
	if err := s.Save("key", []byte("ours")); err != nil {
		t.Errorf("Save: %v", err)
	}
}
