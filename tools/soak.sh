#!/usr/bin/env bash
# Long campaigns: soak.sh ROUNDS. The same tests as in `make test`, with more rounds.
set -eu
cd "$(dirname "$0")/.."
cmake -S . -B build -G Ninja >/dev/null
ninja -C build --quiet all check_programs
export VCH_SOAK_ROUNDS=$1
ctest --test-dir build -L soak -V --timeout 36000 | grep -E "rounds of|passed|failed|FAIL"
python=$(bash tools/venv.sh)
exec "$python" -m pytest -q -rs -p no:cacheprovider -m soak tests
