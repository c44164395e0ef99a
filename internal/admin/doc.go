// Package admin is the operator's use cases: which applications may ask for
// sign-ins and how they prove who they are, whom to invite, whose account to disable
// or remove.
//
// Like package login it is one transaction a use case over the store, and knows
// neither HTTP nor the command line. It may run in another process than the
// server, on the same database, while the server runs.
package admin
