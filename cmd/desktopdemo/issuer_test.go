package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// issuer is a server that goes the way the test tells it.
type issuer struct {
	*httptest.Server
	states     chan wire.Snapshot // to be pushed
	cancelled  chan struct{}      // closed when the desktop has given up
	watched    chan struct{}      // a slot for each socket of a session
	over       chan struct{}      // closed when the session is
	tries      atomic.Int32       // of numbers, that are left
	approved   atomic.Bool
	revoked    atomic.Int32
	refuse     string // an error code for whoever starts
	refusePoll string // an error code for whoever polls
}

func newIssuer(t *testing.T) *issuer {
	i := &issuer{
		states: make(chan wire.Snapshot, 10), cancelled: make(chan struct{}),
		watched: make(chan struct{}, 10), over: make(chan struct{}),
	}
	i.tries.Store(3)
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+wire.WellKnownMetadata, i.metadata)
	mux.HandleFunc("POST "+wire.PathDeviceAuthorization, i.authorize)
	mux.HandleFunc("GET "+wire.PathPush, i.push)
	mux.HandleFunc("POST "+wire.PathToken, i.token)
	mux.HandleFunc("POST "+wire.PathConfirmation, i.number)
	mux.HandleFunc("GET "+wire.PathUserInfo, i.userInfo)
	mux.HandleFunc("POST "+wire.PathRevoke, i.revoke)
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (i *issuer) metadata(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, wire.Metadata{
		Issuer:                      i.URL,
		TokenEndpoint:               i.URL + wire.PathToken,
		DeviceAuthorizationEndpoint: i.URL + wire.PathDeviceAuthorization,
		DevicePushEndpoint:          i.socket(),
		DeviceConfirmationEndpoint:  i.URL + wire.PathConfirmation,
		RevocationEndpoint:          i.URL + wire.PathRevoke,
		UserInfoEndpoint:            i.URL + wire.PathUserInfo,
		AuthorizationEndpoint:       i.URL + wire.PathAuthorize,
		ChallengeMethodsSupported:   []string{wire.ChallengeS256},
		GrantTypesSupported:         []string{wire.GrantTypeDeviceCode, wire.GrantTypeCode},
	})
}

func (i *issuer) socket() string { return "ws" + strings.TrimPrefix(i.URL, "http") + wire.PathPush }

func (i *issuer) link(code string) string { return i.URL + wire.PathDevice + "?user_code=" + code }

func (i *issuer) authorize(w http.ResponseWriter, _ *http.Request) {
	if i.refuse != "" {
		answer(w, http.StatusUnauthorized, wire.Error{Code: i.refuse})
		return
	}
	answer(w, http.StatusOK, wire.DeviceAuthorization{
		DeviceCode: "secret", UserCode: "WDJB-MJHT",
		VerificationURI: i.URL + wire.PathDevice, VerificationURIComplete: i.link("WDJB-MJHT"),
		ExpiresIn: 300, Interval: 1, PushURI: i.socket(),
	})
}

// push sends the states that the test sends, and hears of a cancel.
func (i *issuer) push(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{Subprotocols: []string{wire.PushSubprotocol}}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	var hello wire.ClientFrame
	if conn.ReadJSON(&hello) != nil {
		return
	}
	if hello.AccessToken != "" {
		i.watch(conn)
		return
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			_, data, err := conn.ReadMessage()
			if err != nil {
				return
			}
			if f, err := wire.ParseClientFrame(data); err == nil && f.Type == wire.FrameCancel {
				close(i.cancelled)
			}
		}
	}()
	for seq := int64(1); ; seq++ {
		select {
		case <-gone:
			return
		case s := <-i.states:
			s.Seq = seq
			i.approved.Store(s.State == wire.StateApproved)
			if conn.WriteJSON(s) != nil {
				return
			}
		}
	}
}

// watch is a socket of the session.
func (i *issuer) watch(conn *websocket.Conn) {
	gone := make(chan struct{})
	go func() { defer close(gone); _, _, _ = conn.ReadMessage() }()
	if conn.WriteJSON(wire.Snapshot{Seq: 1, State: wire.StateSignedIn, ExpiresIn: 3600}) != nil {
		return
	}
	i.watched <- struct{}{}
	select {
	case <-gone:
	case <-i.over:
		_ = conn.WriteJSON(wire.Snapshot{Seq: 2, State: wire.StateSignedOut})
	}
}

// number takes what was typed, of which "07" is right.
func (i *issuer) number(w http.ResponseWriter, r *http.Request) {
	switch left := i.tries.Add(-1); {
	case r.PostFormValue(wire.ParamNumber) == "07":
		i.approved.Store(true)
		answer(w, http.StatusOK, wire.DeviceConfirmation{State: wire.StateApproved})
	case left > 0:
		answer(w, http.StatusBadRequest, wire.Error{Code: wire.CodeIncorrectNumber, TriesLeft: int(left)})
	default:
		answer(w, http.StatusBadRequest, wire.Error{Code: wire.CodeAccessDenied})
	}
}

// tell makes a state the newest.
func (i *issuer) tell(s wire.State, code string) {
	i.states <- wire.Snapshot{
		State: s, UserCode: code, VerificationURIComplete: i.link(code), CodeExpiresIn: 45, ExpiresIn: 290,
	}
}

func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	if i.refusePoll != "" {
		answer(w, http.StatusBadRequest, wire.Error{Code: i.refusePoll})
		return
	}
	if r.PostFormValue(wire.ParamGrantType) != wire.GrantTypeCode && !i.approved.Load() {
		answer(w, http.StatusBadRequest, wire.Error{Code: wire.CodeAuthorizationPending})
		return
	}
	answer(w, http.StatusOK, wire.Token{AccessToken: "access", TokenType: "Bearer", ExpiresIn: 3600})
}

func (i *issuer) userInfo(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer access" || i.revoked.Load() > 0 {
		answer(w, http.StatusUnauthorized, wire.Error{Code: wire.CodeInvalidToken})
		return
	}
	answer(w, http.StatusOK, wire.UserInfo{Subject: "42", Name: "Ada"})
}

func (i *issuer) revoke(http.ResponseWriter, *http.Request) { i.revoked.Add(1) }
