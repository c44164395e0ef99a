// Package wire is what server and SDK say to each other: paths, form members,
// JSON bodies, error codes and the frames of the push channel. Both sides
// import it, so that neither can drift.
//
// It holds shapes and their parsing only. Who may say what, and when, is
// decided on the floors above.
package wire
