#!/usr/bin/env bash
# Line and branch coverage of the unit tests, module by module.
set -eu
cd "$(dirname "$0")/.."
cmake -S . -B build-cov -G Ninja -DVOUCH_COV=ON >/dev/null
ninja -C build-cov --quiet all check_programs
ctest --test-dir build-cov -L unit -j2 >/dev/null || echo "some tests failed"
command -v gcovr >/dev/null || { echo "gcovr is needed: apt-get install gcovr" >&2; exit 2; }
gcovr --root . --object-directory build-cov --filter 'src/' --exclude-unreachable-branches --print-summary | tail -200
