// Package admin is the operator's use cases: which applications may ask for
// sign-ins, how they prove who they are and what approving takes, whom to invite, whose
// account to disable or remove, which reported computers to let in again, and what the
// audit log tells.
//
// Like package login it is one transaction a use case over the store, and knows
// neither HTTP nor the command line. It may run in another process than the
// server, on the same database, while the server runs.
package admin
