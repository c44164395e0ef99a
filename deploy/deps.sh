#!/bin/sh
# Installs the Debian packages that the tests and the demo's window need: a browser,
# a virtual display, a Secret Service, what Fyne's window driver builds with, and npm
# for a client library that the tests sign in with. On other systems it says what is
# missing and goes on.
set -eu

packages="chromium xvfb libgl1-mesa-dev libgl1-mesa-dri xorg-dev libxkbcommon-dev fonts-dejavu imagemagick xdotool dbus gnome-keyring"
# A Node.js of one's own will do.
if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
	packages="$packages nodejs npm"
fi
[ "${1:-}" = window ] && packages="libgl1-mesa-dev libgl1-mesa-dri xorg-dev libxkbcommon-dev"

if ! command -v dpkg-query >/dev/null 2>&1; then
	echo "deps: this is no Debian; please see to the equivalents of: $packages" >&2
	exit 0
fi

missing=""
for p in $packages; do
	case "$(dpkg-query -W -f '${Status}' "$p" 2>/dev/null)" in
	*"install ok installed"*) ;;
	*) missing="$missing $p" ;;
	esac
done
[ -z "$missing" ] && exit 0

sudo=""
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "deps: please install, as root:$missing" >&2
		exit 1
	fi
	sudo="sudo"
fi
echo "deps: installing$missing (a few minutes on a new machine)"
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of packages
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
echo "deps: done"
