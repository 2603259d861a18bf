#!/usr/bin/env bash
# libFuzzer campaigns, with AddressSanitizer and UndefinedBehaviorSanitizer.
#   fuzz.sh [TARGET [SECONDS]]     60 seconds; without a target each one in turn, 10 seconds
# New inputs stay in build-fuzz/corpus, what made a target fail in build-fuzz/crashes.
set -u
cd "$(dirname "$0")/.." || exit 1
target=${1:-}
seconds=${2:-}
[ -n "$seconds" ] || { [ -n "$target" ] && seconds=60 || seconds=10; }
cmake -S . -B build-fuzz -G Ninja -DCMAKE_C_COMPILER=clang-14 -DVOUCH_FUZZ=ON -DVOUCH_SAN=address >/dev/null || exit 1
if [ -n "$target" ] && ! grep -qx "$target" build-fuzz/fuzzers.txt; then
    echo "no target $target; there are: $(tr '\n' ' ' <build-fuzz/fuzzers.txt)" >&2
    exit 64
fi
failed=
mkdir -p build-fuzz/crashes
for t in ${target:-$(cat build-fuzz/fuzzers.txt)}; do
    mkdir -p "build-fuzz/corpus/$t"
    ninja -C build-fuzz --quiet "fuzz_$t" >/dev/null || exit 1
    log=build-fuzz/$t.log
    if "build-fuzz/fuzz/fuzz_$t" -max_total_time="$seconds" -timeout=10 -print_final_stats=1 \
        -artifact_prefix="build-fuzz/crashes/$t-" "build-fuzz/corpus/$t" "fuzz/corpus/$t" >"$log" 2>&1; then
        printf '%-16s ok, %s inputs in %s s\n' "$t" \
            "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$seconds"
    else
        failed=1
        printf '%-16s FAILED: %s\n' "$t" "$log"
        grep -E 'ERROR|SUMMARY|runtime error|Test unit written' "$log" | head -5 | sed 's/^/    /'
    fi
done
[ -z "$failed" ]
