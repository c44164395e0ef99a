package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/load"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// rawPushes measures how soon a bare server's frame comes after the POST that it is
// about, with n idle sockets beside it, and what memory these take.
func (b *bench) rawPushes(ctx context.Context, n int) (err error) {
	y, err := startYardstick(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, y.stop()) }()
	if _, err := b.plain(y).done(ctx, y.pid()); err != nil {
		return err
	}
	before, err := load.UsageOf(y.pid())
	if err != nil {
		return err
	}
	c, err := b.crowded(ctx, y.server, n)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	pause(ctx, b.Settle)
	after, err := load.UsageOf(y.pid())
	if err != nil {
		return err
	}
	b.report.add(sectionMemory, Figure{
		Name: "yardstick: an idle socket", Unit: "KiB", Spread: only(float64(after.Resident-before.Resident) / float64(n) / kibibyte),
		Better: lower, Note: fmt.Sprintf("of %d", n),
	})
	times, err := echoes(y, b.SignIns)
	if err != nil {
		return err
	}
	b.latency(fmt.Sprintf("yardstick: frame after the POST, %d waiting", n), times, 0, 0)
	return nil
}

// echoes posts n times, and each time waits for the frame.
func echoes(y rule, n int) (times []time.Duration, err error) {
	const code = "the-one-that-is-told"
	conn, err := load.Dial(y.server.Address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	socket, _, err := websocket.DefaultDialer.Dial("ws://"+y.server.Address+"/push", nil)
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	var frame wire.Snapshot
	if err := errors.Join(socket.WriteJSON(wire.ClientFrame{DeviceCode: code}), socket.ReadJSON(&frame)); err != nil {
		return nil, err
	}
	request := load.Post(y.server.Host, "/tell", url.Values{wire.ParamDeviceCode: {code}}.Encode())
	for range unmeasured + n {
		took, err := echo(conn, request, socket)
		if err != nil {
			return nil, err
		}
		times = append(times, took)
	}
	return times[unmeasured:], nil
}

func echo(conn *load.Conn, request load.Request, socket *websocket.Conn) (time.Duration, error) {
	arrived := make(chan error, 1)
	var at time.Time
	go func() {
		var frame wire.Snapshot
		err := socket.ReadJSON(&frame)
		at = time.Now()
		arrived <- err
	}()
	began := time.Now()
	answer, err := conn.Do(request)
	if err == nil {
		err = check(answer, http.StatusOK, nil)
	}
	if err != nil {
		_ = socket.Close()
	}
	err = errors.Join(err, <-arrived)
	return at.Sub(began), err
}
