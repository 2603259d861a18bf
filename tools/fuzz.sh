#!/usr/bin/env bash
# libFuzzer campaigns: fuzz.sh [TARGET] [SECONDS]; without a target each one in turn. New inputs stay in
# build-fuzz/corpus, crashes in build-fuzz/crashes.
set -eu
cd "$(dirname "$0")/.."
target=${1:-} seconds=${2:-60}
cmake -S . -B build-fuzz -G Ninja -DCMAKE_C_COMPILER=clang-14 -DVOUCH_FUZZ=ON -DVOUCH_SAN=address >/dev/null
ninja -C build-fuzz --quiet check_programs
mkdir -p build-fuzz/crashes
for t in ${target:-$(cat build-fuzz/fuzzers.txt)}; do
    echo "== $t, $seconds s"
    mkdir -p "build-fuzz/corpus/$t"
    "build-fuzz/fuzz/fuzz_$t" -max_total_time="$seconds" -timeout=10 -print_final_stats=1 \
        -artifact_prefix="build-fuzz/crashes/$t-" "build-fuzz/corpus/$t" "fuzz/corpus/$t" 2>&1 |
        grep -E 'stat::|ERROR|SUMMARY|artifact' || true
done
if [ -n "$(ls build-fuzz/crashes)" ]; then ls build-fuzz/crashes; exit 1; fi
