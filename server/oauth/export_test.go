package oauth

import "time"

// SetHeartbeat has the face find out sooner who has vanished.
func (f *Face) SetHeartbeat(ping, pong time.Duration) { f.heartbeat = heartbeat{ping, pong} }
