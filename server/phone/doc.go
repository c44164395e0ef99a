// Package phone is the face that people see: the pages and the small JSON calls
// of their script, on which a sign-in is approved or denied.
//
// A handler reads a form or JSON, calls one use case of package login, and
// renders a page of mobileweb or answers JSON. What went wrong is returned as an
// error; errors.go is the only place that turns causes into pages and sentences.
//
// A GET changes nothing, ever: link previews fetch them. Decisions are POSTs from
// this origin, by the browser that opened the page (see Opening).
//
// An authorization request (RFC 6749 section 4.1) arrives at the machine face, which
// hands the browser over with Ask. It is the same question on the same page, bound
// to that browser from the start. The app's own address, to which such a sign-in
// leads back, is told to the page's script alone: no Location of this face and no
// link of its pages leaves the issuer.
package phone
