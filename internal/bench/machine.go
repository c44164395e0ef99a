package main

import (
	"bufio"
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Machine is what the figures were measured on.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`   // that built the server
	Disk   string `json:"disk"` // the file system of the databases
}

func (m Machine) sameAs(other Machine) bool {
	return m.CPU == other.CPU && m.Cores == other.Cores && m.Disk == other.Disk
}

// thisMachine is as much as Linux tells of it.
func thisMachine(version, folder string) Machine {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	cpus, _ := os.ReadFile("/proc/cpuinfo")
	mounts, _ := os.ReadFile("/proc/self/mounts")
	return Machine{
		CPU:    cmp.Or(modelIn(cpus), "unknown processor"),
		Cores:  runtime.NumCPU(),
		Kernel: runtime.GOOS + " " + cmp.Or(strings.TrimSpace(string(release)), "unknown"),
		Go:     version,
		Disk:   cmp.Or(fileSystemOf(mounts, folder), "unknown file system"),
	}
}

// modelIn finds the processor's name in /proc/cpuinfo.
func modelIn(cpus []byte) string {
	for line := range strings.Lines(string(cpus)) {
		if name, model, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(model)
		}
	}
	return ""
}

// fileSystemOf finds the kind of file system that a folder is on, in /proc/self/mounts
// (fstab(5)).
func fileSystemOf(mounts []byte, folder string) (kind string) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return ""
	}
	longest := -1
	for lines := bufio.NewScanner(bytes.NewReader(mounts)); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 3 || len(words[1]) < longest || !below(folder, words[1]) {
			continue
		}
		longest, kind = len(words[1]), words[2]
	}
	return kind
}

func below(folder, mount string) bool {
	return mount == "/" || folder == mount || strings.HasPrefix(folder, mount+"/")
}
