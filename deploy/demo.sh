#!/bin/sh
# Runs the main job on this machine: a demo server, and the demo app that signs in
# by it, in a window where there is a display and in the terminal where there is
# none. Ends with the app.
set -eu
cd "$(dirname "$0")/.."

go="${GO:-go}"
listen="${DEMO_LISTEN:-127.0.0.1:8080}"
linger=10
tags=""
if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || [ "$(uname)" != Linux ]; then
	deploy/deps.sh window
	echo "demo: building the app with its window (the first build compiles OpenGL: some minutes)"
else
	# Without a display there is no use for OpenGL, and no need to build it.
	tags="-tags terminal"
	echo "demo: there is no display here, so the app runs in this terminal"
fi
echo "demo: building"
# shellcheck disable=SC2086 # no tags are no argument
"$go" build $tags -o bin/desktopdemo ./cmd/desktopdemo
"$go" build -o bin/qrauthd ./cmd/qrauthd

run="$(mktemp -d)"
server=""
clean() {
	if [ -n "$server" ]; then
		kill "$server" 2>/dev/null || true # it may be gone already
		wait "$server" 2>/dev/null || true
	fi
	rm -rf "$run"
}
trap clean EXIT
trap 'exit 130' INT TERM

bin/qrauthd serve --demo --listen "$listen" >"$run/out" 2>"$run/log" &
server=$!
tries=0
until issuer="$(sed -n 's/^ready //p' "$run/out")" && [ -n "$issuer" ]; do
	if ! kill -0 "$server" 2>/dev/null; then
		cat "$run/log" >&2
		echo "demo: the server did not start; DEMO_LISTEN=127.0.0.1:8081 make demo takes another port" >&2
		exit 1
	fi
	tries=$((tries + 1))
	[ "$tries" -le 300 ] || { echo "demo: the server is not ready after 30 s" >&2; cat "$run/log" >&2; exit 1; }
	sleep 0.1
done

cat <<TEXT

The server is ready at $issuer. Now you are both people:

  1. The app asks to be signed in, and shows a QR code and a link.
  2. Open that link in a browser on THIS machine: it plays the phone. (A real
     phone cannot reach "localhost"; the README tells how to serve one.)
  3. Choose "Create your passkey", give a name, then "Approve".

A passkey needs a browser that can keep one: Chrome, Edge, Safari or Firefox with
a fingerprint sensor, a PIN, a phone or a security key. Without any, Chrome's
developer tools have a virtual authenticator (More tools > WebAuthn). If you were
here before and the passkey is not accepted, create a new one.

TEXT

code=0
# The session is kept where it goes with this run: the next one asks anew.
XDG_CONFIG_HOME="$run/config" bin/desktopdemo --issuer "$issuer" --store file || code=$?
if [ "$code" -eq 0 ]; then
	echo "demo: the server stays for $linger seconds more, for the page on the phone's side; Ctrl-C ends it now"
	sleep "$linger"
fi
exit "$code"
