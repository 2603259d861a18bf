#!/usr/bin/env bash
# Tests under sanitizers.
#   sanitize.sh san     unit tests and scenarios, AddressSanitizer and UndefinedBehaviorSanitizer
#   sanitize.sh tsan    the tests with threads, ThreadSanitizer
set -u
cd "$(dirname "$0")/.." || exit 1
case "${1:-}" in
san) dir=build-san kind=address label=. ;;
tsan) dir=build-tsan kind=thread label=threads ;;
*)
    echo "usage: sanitize.sh san|tsan" >&2
    exit 64
    ;;
esac
cmake -S . -B $dir -G Ninja -DVOUCH_SAN=$kind >/dev/null || exit 1
ninja -C $dir --quiet all check_programs || exit 1
ctest --test-dir $dir -L $label -j"$(nproc)" --output-on-failure
status=$?
if [ "$1" = san ]; then
    python=$(bash tools/venv.sh)
    for folder in tests/scenario tests/interop; do
        [ -n "$(find $folder -name 'test_*.py' 2>/dev/null)" ] || continue
        VOUCH_BUILD=$PWD/$dir "$python" -m pytest -q -rs -p no:cacheprovider $folder || status=1
    done
fi
exit $status
