package desktop

import "testing"

func TestDeviceFillsInWhatIsEmpty(t *testing.T) {
	got := Device{AppVersion: "v1\x00.2"}.declared()
	if got.Name == "" || got.Platform == "" || got.AppVersion != "v1.2" {
		t.Errorf("got %+v", got)
	}
	for goos, want := range map[string]string{"windows": "Windows", "darwin": "macOS", "linux": "Linux", "plan9": "plan9"} {
		if got := platform(goos); got != want {
			t.Errorf("%s: got %s, want %s", goos, got, want)
		}
	}
}
