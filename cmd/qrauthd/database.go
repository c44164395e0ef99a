package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/store/sqlite"
	"github.com/qrauthd/qrauthd/server"
)

// operate runs an operator's use case on the configured database, next to a
// server that may be running on it.
func (a *app) operate(use func(config, admin.Operator) error) error {
	return a.onDatabase(mustExist, config.checkData, use)
}

// provision is operate for what comes before the first start of a server as well:
// it makes the database.
func (a *app) provision(use func(config, admin.Operator) error) error {
	return a.onDatabase(mayCreate, config.checkData, use)
}

type existence bool

const (
	mustExist existence = true
	mayCreate existence = false
)

func (a *app) onDatabase(want existence, check func(config) error, use func(config, admin.Operator) error) (err error) {
	c, err := a.resolve(check)
	if err != nil {
		return err
	}
	file := server.Database(c.DataDir)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		if want == mustExist {
			return fmt.Errorf("there is no database in %s: check --data, or start the server once", c.DataDir)
		}
		fmt.Fprintf(a.stderr, "note: made a new database in %s\n", c.DataDir)
	}
	db, err := sqlite.Open(a.ctx, file, sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return use(c, admin.Operator{Store: db, Policies: c.Policies, Record: c.Recorder()})
}

// checkData is what a command on the database wants of the configuration.
func (c config) checkData() error {
	if c.DataDir == "" {
		return errors.New("data is not set: name the folder of the database with --data, or --config with a file that does (--demo for a demo's)")
	}
	return nil
}

// checkKeys is what a command that makes keys wants besides.
func (c config) checkKeys() error { return errors.Join(c.checkData(), c.ValidateKeys()) }
