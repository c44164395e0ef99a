package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"github.com/mattn/go-sqlite3"
)

// conn is a connection of the driver, on which each statement is prepared once.
// One goroutine uses it at a time. It is in the place of database/sql, whose
// locks, conversions and reflection cost more than SQLite takes for statements
// as small as these (docs/adr/0023).
type conn struct {
	raw        *sqlite3.SQLiteConn
	statements map[string]*statement
}

// statement is a prepared one, with room for its arguments and for a record of
// its result. It holds none between two uses, for some are secrets; SQLite lets go of
// what was bound when the statement is used again.
type statement struct {
	raw  *sqlite3.SQLiteStmt
	args []driver.NamedValue
	rows driver.Rows // nil unless a result is being read
	row  row
}

func (c *connector) connect() (*conn, error) {
	raw, err := c.Connect(context.Background())
	if err != nil {
		return nil, err
	}
	return &conn{raw: raw.(*sqlite3.SQLiteConn), statements: make(map[string]*statement)}, nil
}

// exec runs a statement to its end, and returns how many records it touched.
func (c *conn) exec(query string, args ...any) (int64, error) {
	s, err := c.prepare(query)
	if err != nil {
		return 0, err
	}
	if err := s.bind(args); err != nil {
		return 0, err
	}
	// The driver would start a goroutine to watch over a context that can end.
	res, err := s.raw.ExecContext(context.Background(), s.args)
	s.unbind()
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// query begins to read a result, which the caller ends before the next one of the
// same statement.
func (c *conn) query(query string, args ...any) (*statement, error) {
	s, err := c.prepare(query)
	if err != nil {
		return nil, err
	}
	if err := s.bind(args); err != nil {
		return nil, err
	}
	s.rows, err = s.raw.QueryContext(context.Background(), s.args)
	s.unbind()
	if err != nil {
		return nil, err
	}
	if s.row.values == nil {
		s.row.values = make([]driver.Value, len(s.rows.Columns()))
	}
	s.row.err = nil
	return s, nil
}

// next reads a record into s.row; false at the end of the result, and when it
// cannot be read, as s.row.err then says.
func (s *statement) next() bool {
	s.row.read = 0
	err := s.rows.Next(s.row.values)
	if err != nil && !errors.Is(err, io.EOF) {
		s.row.err = err
	}
	return err == nil
}

func (s *statement) end() {
	_ = s.rows.Close() // which says again what reading said
	s.rows = nil
	clear(s.row.values)
}

// number is the single integer that the query finds.
func (c *conn) number(query string) (int64, error) {
	s, err := c.query(query)
	if err != nil {
		return 0, err
	}
	defer s.end()
	if !s.next() {
		return 0, cmp.Or(s.row.err, io.EOF)
	}
	n := number[int64](&s.row)
	return n, s.row.err
}

func (c *conn) prepare(query string) (*statement, error) {
	if s, ok := c.statements[query]; ok {
		return s, nil
	}
	raw, err := c.raw.Prepare(query)
	if err != nil {
		return nil, err
	}
	s := &statement{raw: raw.(*sqlite3.SQLiteStmt)}
	s.args = make([]driver.NamedValue, s.raw.NumInput())
	for i := range s.args {
		s.args[i].Ordinal = i + 1
	}
	c.statements[query] = s
	return s, nil
}

func (s *statement) bind(args []any) error {
	if len(args) != len(s.args) {
		return fmt.Errorf("a statement of %d arguments is given %d", len(s.args), len(args))
	}
	for i, v := range args {
		if n, ok := v.(int); ok {
			v = int64(n)
		}
		s.args[i].Value = v
	}
	return nil
}

func (s *statement) unbind() {
	for i := range s.args {
		s.args[i].Value = nil
	}
}

// idle reports that no transaction is open.
func (c *conn) idle() bool { return c.raw.AutoCommit() }

func (c *conn) close() error {
	for _, s := range c.statements {
		_ = s.raw.Close()
	}
	return c.raw.Close()
}
