#!/bin/sh
# Installs what the build (and, with "test", the tests) need on Debian 12. Asks nothing; quick when
# everything is there already.
#
#   tools/setup.sh build|test
set -eu

build="gcc libc6-dev cmake ninja-build pkg-config libssl-dev liblmdb-dev libmicrohttpd-dev
libgnutls28-dev libcurl4-openssl-dev libjansson-dev libyaml-dev libsqlite3-dev libcmocka-dev
openssl python3 ca-certificates"
test="clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev cppcheck shellcheck mandoc strace
python3-venv python3-pytest curl jq git"

want=$build
[ "${1:-build}" = test ] && want="$build $test"

# One question for all of them; a package that dpkg does not know at all is missing too.
# shellcheck disable=SC2086 # a list of packages
have=" $(dpkg-query -W -f='${Package}:${db:Status-Status} ' $want 2>/dev/null || true) "
missing=
for package in $want; do
    case $have in
    *" $package:installed "*) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "these packages are missing and need root or sudo to install:$missing" >&2
        exit 1
    fi
    as_root="sudo -n"
fi
echo "installing$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if ! { $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -20 "$log" >&2
    rm -f "$log"
    echo "the packages could not be installed; install them by hand:$missing" >&2
    exit 1
fi
rm -f "$log"
