package load

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestKibibytes(t *testing.T) {
	const status = "Name:\tVmRSS: 7 kB\nVmHWM:\t  9000 kB\nVmRSS:\t  2048 kB\nRssAnon:\t     512 kB\nVmSwap:\n"
	for name, want := range map[string]int64{"VmRSS:": 2 << 20, "RssAnon:": 512 << 10, "VmHWM:": 9000 << 10} {
		if got, err := kibibytes([]byte(status), name); got != want || err != nil {
			t.Errorf("%s: got %d, %v, want %d", name, got, err, want)
		}
	}
	for name, text := range map[string]string{
		"a name that is not there": "Name:\tx\n", "no value": "Name:\tx\nVmRSS:\n", "a value in words": "Name:\tx\nVmRSS:\tmuch kB\n",
	} {
		if got, err := kibibytes([]byte(text), "VmRSS:"); err == nil {
			t.Errorf("%s: got %d, want an error", name, got)
		}
	}
}

func TestCPU(t *testing.T) {
	const rest = " S 1 2 3 4 5 6 7 8 9 10 150 50 13 14 15"
	for name, stat := range map[string]string{
		"a plain name":                "42 (qrauthd)" + rest,
		"a name with spaces":          "42 (qr authd)" + rest,
		"a name with a bracket in it": "42 (qr) R 1 (d)" + rest,
	} {
		if got, err := cpuIn([]byte(stat)); got != 2*time.Second || err != nil {
			t.Errorf("%s: got %s, %v, want 2s", name, got, err)
		}
	}
	for name, stat := range map[string]string{
		"nothing":           "",
		"too few words":     "42 (qrauthd) S 1 2 3",
		"a word for a time": "42 (qrauthd)" + strings.Replace(rest, "150", "much", 1),
	} {
		if got, err := cpuIn([]byte(stat)); err == nil {
			t.Errorf("%s: got %s, want an error", name, got)
		}
	}
}

func TestUsageOfThisProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	u, err := UsageOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if u.Resident < 1<<20 || u.Anon <= 0 || u.Anon > u.Resident || u.Peak < u.Resident || u.Files < 3 {
		t.Errorf("got %+v, want more than a mebibyte, some of it no file, and never more than its peak, and three files open", u)
	}
}
