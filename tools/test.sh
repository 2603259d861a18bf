#!/usr/bin/env bash
# What `make test` and CI run: build, rules, unit tests, sanitizers, scenarios, interoperability,
# requirement matrix. Ends with a line "N passed, N failed, N skipped".
set -u
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C.UTF-8
passed=0 failed=0 skipped=0
begun=$(date +%s)
mkdir -p build

step() { printf '\n== %s (%d s)\n' "$1" $(($(date +%s) - begun)); }
count() { # name status
    if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED: $1"; fi
}

build() { # dir options...
    local dir=$1
    shift
    cmake -S . -B "$dir" -G Ninja "$@" >"$dir.log" 2>&1 &&
        ninja -C "$dir" all check_programs >>"$dir.log" 2>&1
    local status=$?
    [ $status -eq 0 ] || grep -E 'error|FAILED' -A6 "$dir.log" | head -40
    return $status
}

run_ctest() { # dir label
    local out
    out=$(ctest --test-dir "$1" -L "$2" -j2 --output-on-failure --timeout 600 2>&1)
    local status=$?
    printf '%s\n' "$out" | grep -E 'Failed|\*\*\*|tests passed|FAILED|Error' | head -60
    [ $status -eq 0 ] || printf '%s\n' "$out" | tail -60
    passed=$((passed + $(printf '%s\n' "$out" | grep -cE ' Passed +[0-9]')))
    failed=$((failed + $(printf '%s\n' "$out" | grep -cE '\*\*\*(Failed|Timeout|Exception|Not Run)')))
    skipped=$((skipped + $(printf '%s\n' "$out" | grep -cE '\*\*\*Skipped')))
}

run_pytest() { # python paths...
    local python=$1 out
    shift
    out=$("$python" -m pytest -q -rs -p no:cacheprovider "$@" 2>&1)
    local status=$?
    printf '%s\n' "$out" | tail -80
    [ $status -eq 5 ] && return
    local line
    line=$(printf '%s\n' "$out" | tail -1)
    number() { local n; n=$(printf '%s' "$line" | grep -oE "[0-9]+ $1" | head -1 | cut -d' ' -f1); echo "${n:-0}"; }
    passed=$((passed + $(number passed)))
    failed=$((failed + $(number failed) + $(number error)))
    skipped=$((skipped + $(number skipped)))
    if [ $status -ne 0 ] && [ "$(number failed)" = 0 ] && [ "$(number error)" = 0 ]; then failed=$((failed + 1)); fi
}

step "build (gcc)"
build build
count "build with gcc" $?

step "rules"
bash tools/lint.sh
count "make lint" $?

step "unit tests"
run_ctest build unit

step "unit tests under AddressSanitizer and UndefinedBehaviorSanitizer"
build build-san -DVOUCH_SAN=address
count "sanitizer build" $?
run_ctest build-san unit

step "threads under ThreadSanitizer"
build build-tsan -DVOUCH_SAN=thread
count "thread sanitizer build" $?
run_ctest build-tsan threads

step "build (clang)"
build build-clang -DCMAKE_C_COMPILER=clang-14
count "build with clang" $?

step "scenarios and interoperability"
python=$(bash tools/venv.sh)
run_pytest "$python" tests

step "requirements"
python3 tools/reqtrace.py --summary
count "make req" $?

printf '\n%d s\n' $(($(date +%s) - begun))
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
