#!/usr/bin/env bash
# Unit tests under sanitizers: sanitize.sh san|tsan
set -eu
cd "$(dirname "$0")/.."
case "$1" in
san) dir=build-san kind=address label=unit ;;
tsan) dir=build-tsan kind=thread label=threads ;;
*) echo "usage: sanitize.sh san|tsan" >&2; exit 64 ;;
esac
cmake -S . -B $dir -G Ninja -DVOUCH_SAN=$kind >/dev/null
ninja -C $dir --quiet all check_programs
exec ctest --test-dir $dir -L $label -j2 --output-on-failure
