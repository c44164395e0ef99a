package desktop

import (
	"context"
	"net"
	"time"
)

// SetWall gives the client another clock on the wall.
func (c *Client) SetWall(wall func() time.Time) { c.wall = wall }

// SetListen gives the client another way to open a door.
func (c *Client) SetListen(listen func(context.Context) (net.Listener, error)) { c.listen = listen }

// Released reports whether the phone is told of the version.
func Released(version string) bool { return !unreleased.MatchString(version) }
