package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"sync"
)

// profiled runs serve and leaves files for "go tool pprof" in the folder: what the
// processors did meanwhile, and what memory and goroutines there were when ctx ended.
// For these it lets serve run on until they are written. Without a folder it only runs
// serve. There is no listener for profiles: it would be one more way in.
func profiled(ctx context.Context, dir string, serve func(context.Context) error) error {
	if dir == "" {
		return serve(ctx)
	}
	end, err := profileCPU(dir)
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	picture := sync.OnceValue(func() error { return profileMemory(dir) })
	defer context.AfterFunc(ctx, func() {
		_ = picture() // its error is kept
		stop()
	})()
	return errors.Join(serve(running), picture(), end())
}

// profileCPU begins to profile the processors. Whoever begins owes an end.
func profileCPU(dir string) (end func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := createProfile(dir, "cpu")
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// profileMemory writes what is alive, and what every goroutine is at.
func profileMemory(dir string) error {
	runtime.GC() // the profile is of what the last collection found
	var faults []error
	for _, name := range []string{"heap", "goroutine"} {
		f, err := createProfile(dir, name)
		if err != nil {
			return err
		}
		faults = append(faults, pprof.Lookup(name).WriteTo(f, 0), f.Close())
	}
	return errors.Join(faults...)
}

func createProfile(dir, name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, name+".pprof"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
}
