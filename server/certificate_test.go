package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// writeCertificate makes a certificate for localhost with this serial number.
func writeCertificate(t *testing.T, dir string, serial int64) TLS {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		DNSNames:     []string{"localhost"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IsCA:         true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files := TLS{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	write := func(name, kind string, der []byte) {
		block := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
		if err := os.WriteFile(name, block, 0o600); err != nil {
			t.Fatal(err)
		}
		// As if some time had passed: two files written at once may have one stamp.
		stamp := time.Unix(1_700_000_000+serial, 0)
		if err := os.Chtimes(name, stamp, stamp); err != nil {
			t.Fatal(err)
		}
	}
	write(files.CertFile, "CERTIFICATE", cert)
	write(files.KeyFile, "PRIVATE KEY", private)
	return files
}

func TestACertificateFollowsItsFiles(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	c, err := newCertificate(writeCertificate(t, dir, 1), slog.New(slog.DiscardHandler), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	expect := func(when string, want int64) {
		t.Helper()
		got, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got.Leaf.SerialNumber.Int64() != want {
			t.Errorf("%s: got certificate %s, want %d", when, got.Leaf.SerialNumber, want)
		}
	}
	expect("at first", 1)

	files := writeCertificate(t, dir, 2)
	expect("right after the files changed", 1)
	now = now.Add(certificateCheck)
	expect("a moment later", 2)

	if err := os.WriteFile(files.CertFile, []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(certificateCheck)
	expect("with a certificate that cannot be used", 2)
	if err := os.Remove(files.KeyFile); err != nil {
		t.Fatal(err)
	}
	now = now.Add(certificateCheck)
	expect("with a key that is gone", 2)

	writeCertificate(t, dir, 3)
	now = now.Add(certificateCheck)
	expect("with good files again", 3)
}
