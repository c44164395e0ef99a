//go:build unix

package server

import "syscall"

// filesAllowed is how many files this process may have open at a time. The Go runtime
// has raised that to the most that the system allows it (package os, since Go 1.19).
func filesAllowed() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return noLimit
	}
	return int(min(uint64(limit.Cur), noLimit))
}
