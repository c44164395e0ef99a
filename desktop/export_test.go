package desktop

import "time"

// SetWall gives the client another clock on the wall.
func (c *Client) SetWall(wall func() time.Time) { c.wall = wall }
