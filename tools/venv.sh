#!/usr/bin/env bash
# Prints the Python to run the tests with: build/venv with the pinned packages, or the system's when
# the package registry cannot be reached (tests that need a package are then reported as skipped).
set -u
cd "$(dirname "$0")/.." || exit 1
venv=$PWD/build/venv
want=$(sha256sum tests/requirements.txt tests/constraints.txt)
if [ "$(cat "$venv/stamp" 2>/dev/null)" != "$want" ]; then
    rm -rf "$venv"
    mkdir -p build
    if /usr/bin/python3 -m venv "$venv" >build/venv.log 2>&1 &&
        "$venv/bin/pip" install -q --disable-pip-version-check --retries 1 --timeout 15 \
            -r tests/requirements.txt -c tests/constraints.txt >>build/venv.log 2>&1; then
        printf '%s\n' "$want" >"$venv/stamp"
    else
        echo "test packages could not be installed (build/venv.log); tests that need them are skipped" >&2
        rm -rf "$venv"
    fi
fi
if [ -x "$venv/bin/python" ]; then echo "$venv/bin/python"; else echo /usr/bin/python3; fi
