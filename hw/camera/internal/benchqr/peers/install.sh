#!/bin/sh
# Installs what benchqr compares with: Debian's libzxing-dev and g++ through
# apt-get (as root), and zxing-wasm through npm into the user's cache folder.
# benchqr itself installs nothing.
set -eu
if command -v apt-get >/dev/null; then
	echo "installing g++ and libzxing-dev with apt-get"
	apt-get install -y g++ libzxing-dev
fi
if command -v npm >/dev/null; then
	to="${XDG_CACHE_HOME:-$HOME/.cache}/venuegate-benchqr"
	echo "installing zxing-wasm 3.1.4 with npm into $to"
	mkdir -p "$to"
	npm install --prefix "$to" --no-save zxing-wasm@3.1.4
fi
