package oauth

import "time"

const (
	CrewSize   = crewSize   // how many sockets are served at the same time
	SendBuffer = sendBuffer // what the kernel keeps of a socket that does not read, in bytes
)

// SendTime is what a desktop has to read what it is sent.
var SendTime = steady.send

// SetHeartbeat has the face find out sooner who has vanished.
func (f *Face) SetHeartbeat(ping, pong time.Duration) { f.ping, f.pong = ping, pong }

// SetSendTime has the face give up sooner whoever does not read.
func (f *Face) SetSendTime(d time.Duration) { f.send = d }

// SetPause has the face answer pings more often.
func (f *Face) SetPause(d time.Duration) { f.pause = d }
