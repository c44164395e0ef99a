package load

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Usage is what a process takes of the machine.
type Usage struct {
	Resident int64         // bytes of memory
	Peak     int64         // the most of them that it has had
	Anon     int64         // bytes of it that are no mapped file: heap, stacks, caches
	CPU      time.Duration // user's and system's, since it began
	Files    int           // open, sockets included
}

// clockTick is that of /proc/PID/stat: Linux has told user space 100 a second on all
// its architectures for decades.
const clockTick = 10 * time.Millisecond

// Usage reads what the server takes, as Linux tells it.
func (s *Server) Usage() (Usage, error) { return UsageOf(s.PID()) }

// UsageOf reads what the process takes, as Linux tells it.
func UsageOf(pid int) (u Usage, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	if u.Resident, err = kibibytes(status, "VmRSS:"); err != nil {
		return u, err
	}
	if u.Peak, err = kibibytes(status, "VmHWM:"); err != nil {
		return u, err
	}
	if u.Anon, err = kibibytes(status, "RssAnon:"); err != nil {
		return u, err
	}
	if u.CPU, err = cpu(pid); err != nil {
		return u, err
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	u.Files = len(files)
	return u, err
}

func kibibytes(status []byte, name string) (int64, error) {
	_, rest, found := bytes.Cut(status, []byte("\n"+name))
	words := bytes.Fields(rest)
	if !found || len(words) == 0 {
		return 0, errors.New("the system does not tell " + name)
	}
	n, err := strconv.ParseInt(string(words[0]), 10, 64)
	return n << 10, err
}

func cpu(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return cpuIn(stat)
}

// cpuIn is the sum of utime and stime (proc(5)), which come 12 and 13 words after the
// process's name, the only word that may have spaces.
func cpuIn(stat []byte) (time.Duration, error) {
	words := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(words) < 13 {
		return 0, errors.New("the system tells no processor time")
	}
	var ticks int64
	for _, word := range words[11:13] {
		n, err := strconv.ParseInt(string(word), 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}
