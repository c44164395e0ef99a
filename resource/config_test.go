package resource_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/resource"
)

func TestNewRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*resource.Config)
		want   string // in the error
	}{
		{"no issuer", func(c *resource.Config) { c.Issuer = "" }, "issuer"},
		{"an issuer in the clear", func(c *resource.Config) { c.Issuer = "http://login.example.com" }, "want https"},
		{"an issuer by WebSocket", func(c *resource.Config) { c.Issuer = "wss://login.example.com" }, "want https"},
		{"an issuer with a query", func(c *resource.Config) { c.Issuer += "?a=b" }, "issuer"},
		{"an issuer with a password", func(c *resource.Config) { c.Issuer = "https://u:hunter2@login.example.com" }, "issuer"},
		{"no audience", func(c *resource.Config) { c.Audience = "" }, "audience is missing"},
		{"an audience that is no URL", func(c *resource.Config) { c.Audience = "urn:example:files" }, "base URL"},
		{"the issuer for an audience", func(c *resource.Config) { c.Audience = c.Issuer }, "base URL"},
		{"a base URL with a query", func(c *resource.Config) { c.BaseURL = audience + "?a" }, "base URL"},
		{"a base URL with a password", func(c *resource.Config) { c.BaseURL = "https://u:hunter2@files.example.com" }, "base URL"},
		{"a base URL in the clear", func(c *resource.Config) { c.BaseURL = "http://files.example.com" }, "base URL"},
		{"an audience in the clear", func(c *resource.Config) { c.Audience = "http://files.example.com" }, "base URL"},
		{"an issuer that is no URL", func(c *resource.Config) { c.Issuer = "https://%zz" }, "issuer"},
		{"a base URL without a host", func(c *resource.Config) { c.BaseURL = "/files" }, "base URL"},
		{"a short nonce key", func(c *resource.Config) { c.NonceKey = make([]byte, 31) }, "31 bytes"},
		{"introspection without a secret", func(c *resource.Config) { c.Introspection = &resource.Introspection{ClientID: "api"} }, "secret"},
		{"introspection cached for an hour", func(c *resource.Config) {
			c.Introspection = &resource.Introspection{ClientID: "api", ClientSecret: "s", CacheFor: time.Hour}
		}, "5m0s at most"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := resource.Config{Issuer: issuerURL, Audience: audience}
			tt.change(&cfg)
			v, err := resource.New(cfg)
			if v != nil || err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want something about %q", err, tt.want)
			}
		})
	}
}

func TestAllFaultsAreToldAtOnce(t *testing.T) {
	_, err := resource.New(resource.Config{NonceKey: []byte("short")})
	for _, want := range []string{"issuer", "audience", "base URL", "nonce key"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want something about %q", err, want)
		}
	}
}

func TestNewAccepts(t *testing.T) {
	for name, cfg := range map[string]resource.Config{
		"an issuer with a path":             {Issuer: issuerURL + "/tenant", Audience: audience},
		"an issuer on this computer":        {Issuer: "http://localhost:8080", Audience: audience},
		"an issuer on this computer, by IP": {Issuer: "http://[::1]:8080", Audience: audience},
		"the issuer as audience":            {Issuer: issuerURL, Audience: issuerURL, BaseURL: audience},
		"an audience that is a name":        {Issuer: issuerURL, Audience: "urn:example:files", BaseURL: audience + "/v1/"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := resource.New(cfg); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAConfigurationRedactsItself(t *testing.T) {
	cfg := resource.Config{
		Issuer: issuerURL, Audience: audience, NonceKey: []byte("hunter2"),
		Introspection: &resource.Introspection{ClientID: "api", ClientSecret: "hunter2"},
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("", "cfg", cfg, "introspection", *cfg.Introspection)
	text := log.String() + fmt.Sprintf("%v %+v %#v %s %v %+v %#v", cfg, cfg, cfg, &cfg, cfg.Introspection, *cfg.Introspection, *cfg.Introspection) +
		string(must(json.Marshal(map[string]any{"introspection": cfg.Introspection})))
	if strings.Contains(text, "hunter2") {
		t.Errorf("a secret shows: %s", text)
	}
}
