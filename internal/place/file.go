package place

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"sync/atomic"
	"time"
)

// maxFile is more than any database of places has, in bytes: what is larger is
// something else.
const maxFile = 2 << 30

// errChanging: somebody is writing the file. It is for the next look.
var errChanging = errors.New("the file is being written")

// file is one of the operator's files: the edition that holds, and the stamp of the
// one that was tried last.
type file struct {
	path    string
	edition atomic.Pointer[edition]
	tried   stamp
}

func openFile(path string) (*file, error) {
	f := &file{path: path, tried: stampOf(path)}
	e, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f.edition.Store(e)
	return f, nil
}

// look is what the file says of a public address. A record that cannot be read says nothing.
func (f *file) look(addr netip.Addr) Place {
	e := f.edition.Load()
	if e.look == nil {
		return Place{}
	}
	p, err := e.look(addr)
	if err != nil {
		return Place{}
	}
	return p
}

// refresh takes up another edition, if there is one. A failure is told once for each.
func (f *file) refresh(log *slog.Logger) {
	now := stampOf(f.path)
	if now == f.tried {
		return
	}
	e, err := read(f.path)
	if errors.Is(err, errChanging) {
		return
	}
	f.tried = now
	if err != nil {
		log.Error("keep the old places: the new file cannot be used", "file", f.path, "err", err)
		return
	}
	f.edition.Store(e)
	f.tell(log, "places replaced")
}

func (f *file) tell(log *slog.Logger, what string) {
	if e := f.edition.Load(); e.look != nil {
		log.Info(what, "file", f.path, "type", e.kind, "built", e.built.UTC().Format(time.DateOnly))
	}
}

// stamp tells one state of a file from another. The zero stamp is that of a file that
// is not there.
type stamp struct {
	changed time.Time
	size    int64
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}

// read reads the edition in the file.
func read(path string) (*edition, error) {
	text, err := readWhole(path)
	if err != nil {
		return nil, err
	}
	return newEdition(text)
}

// readWhole reads one state of a file, and not parts of two.
func readWhole(path string) ([]byte, error) {
	info, err := os.Stat(path) // before it is opened: opening a pipe waits for a writer
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, errors.New("it is no file of places: use an MMDB file such as GeoLite2-City.mmdb")
	}
	before := stampOf(path)
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text := make([]byte, before.size)
	_, err = io.ReadFull(f, text)
	if errors.Is(err, io.ErrUnexpectedEOF) || stampOf(path) != before {
		return nil, errChanging
	}
	return text, err
}
