package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

const description = `Sign in to desktop apps with a QR code and the passkey on your phone.

Settings come from, each beating the one before: defaults, a TOML file, QRAUTHD_* variables, flags. ` +
	`Try it: "qrauthd serve --demo".`

// commands is the command line.
type commands struct {
	Serve   serveCommand   `cmd:"" help:"Run the server."`
	Client  clientCommands `cmd:"" help:"Say which applications may ask for sign-ins."`
	User    userCommands   `cmd:"" help:"Invite people, and disable or remove their accounts."`
	Block   blockCommands  `cmd:"" help:"See which computers people have reported, and let one in again."`
	Audit   auditCommands  `cmd:"" help:"Read the log of what happened, and see whether somebody changed it."`
	Keys    keysCommands   `cmd:"" help:"See which keys sign tokens, and have another one follow."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

type clientCommands struct {
	Add          clientAdd          `cmd:"" help:"Add an application."`
	List         clientList         `cmd:"" help:"List the applications."`
	Show         clientShow         `cmd:"" help:"Print all that is known of an application."`
	Update       clientUpdate       `cmd:"" help:"Change an application; its desktops stay signed in."`
	RotateSecret clientRotateSecret `cmd:"" help:"Make a new secret; the old one works for a while beside it."`
	Remove       clientRemove       `cmd:"" help:"Remove an application and end its sessions."`
}

type blockCommands struct {
	List   blockList   `cmd:"" help:"List the keys and addresses that are blocked."`
	Remove blockRemove `cmd:"" help:"Let a key or an address in again."`
}

type auditCommands struct {
	List   auditList   `cmd:"" help:"List records of the audit log."`
	Verify auditVerify `cmd:"" help:"Find out whether a record was changed, taken out or moved."`
	Export auditExport `cmd:"" help:"Write records as JSON, to keep or to verify elsewhere."`
}

type keysCommands struct {
	List   keysList   `cmd:"" help:"List the server's keys."`
	Rotate keysRotate `cmd:"" help:"Have a new key sign, long before the present one is of age."`
}

type userCommands struct {
	Invite  userInvite  `cmd:"" help:"Make a one-time link to create an account, or a passkey for one that exists."`
	List    userList    `cmd:"" help:"List the accounts."`
	Disable userDisable `cmd:"" help:"Keep somebody from signing in and end their sessions."`
	Enable  userEnable  `cmd:"" help:"Let somebody sign in again."`
	Remove  userRemove  `cmd:"" help:"Remove an account and all that belongs to it, for good."`
}

// place are the flags that every command on the database has. Like all flags
// that are settings they are read by way of given, not from these fields.
type place struct {
	Config string `placeholder:"FILE" help:"Read settings from this TOML file."`
	Data   string `placeholder:"DIR" help:"Folder of the database."`
	Demo   bool   `help:"Use the folder of the demo, and no configuration file but a named one."`
}

// given are the flags on the command line that are settings, as text.
func given(chosen *kong.Context) map[string]string {
	values := map[string]string{}
	for _, part := range chosen.Path {
		if part.Flag == nil {
			continue
		}
		switch v := chosen.FlagValue(part.Flag).(type) {
		case []string:
			values[part.Flag.Name] = strings.Join(v, ",")
		default:
			values[part.Flag.Name] = fmt.Sprint(v)
		}
	}
	return values
}

// describe adds to a flag's help what else sets the same and what holds if nothing does.
func describe(v *kong.Value) string {
	help := v.Help
	if v.Flag == nil {
		return help
	}
	var notes []string
	for _, s := range settings() {
		if s.flag == v.Name {
			notes = append(notes, s.notes()...)
		}
	}
	if len(notes) == 0 {
		return help
	}
	return strings.TrimSuffix(help, ".") + " (" + strings.Join(notes, ", ") + ")."
}
