// Package oauth is the face that machines see: device authorization, token,
// the number from the phone, push, revocation, introspection, UserInfo and metadata.
//
// A handler reads a form or a frame, calls one use case of package login, and
// writes JSON. What went wrong is returned as an error; errors.go is the only
// place that knows OAuth error codes, and close.go the only one that knows the
// push channel's close codes.
package oauth
