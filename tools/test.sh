#!/usr/bin/env bash
# What `make test` and CI run: build, rules, unit tests, sanitizers, scenarios, interoperability,
# requirement matrix. Goes on to the end whatever fails; the last line is
# "N passed, N failed, N skipped": the cases of ctest and pytest, and each other step that failed.
set -u
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C.UTF-8
jobs=$(nproc)
passed=0 failed=0 skipped=0 summary=
begun=$SECONDS
step_begun=$SECONDS
mkdir -p build/results
rm -f build/results/*

step() {
    step_begun=$SECONDS
    printf '\n== %s\n' "$1"
}

note() { # name result
    summary+=$(printf '  %-44s %-34s %4d s' "$1" "$2" $((SECONDS - step_begun)))$'\n'
}

judge() { # name status
    if [ "$2" -eq 0 ]; then
        note "$1" ok
    else
        failed=$((failed + 1))
        note "$1" FAILED
    fi
}

build() { # folder targets options...
    local dir=$1 targets=$2 log="build/results/build-$1.log" status
    shift 2
    # shellcheck disable=SC2086 # a list of targets
    cmake -S . -B "$dir" -G Ninja "$@" >"$log" 2>&1 && ninja -C "$dir" -j"$jobs" $targets >>"$log" 2>&1
    status=$?
    [ $status -eq 0 ] || grep -E 'error|FAILED|Error' -A6 "$log" | head -60
    return $status
}

tally() { # name results status
    local out
    out=$(python3 tools/test_results.py "$2")
    printf '%s\n' "$out" | sed '$d'
    read -r p f s <<<"$(printf '%s\n' "$out" | tail -1)"
    if [ "$3" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi # it broke off
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    note "$1" "$p passed, $f failed, $s skipped"
}

run_ctest() { # name folder options...
    local name=$1 dir=$2 results
    shift 2
    results=$PWD/build/results/ctest-$dir.xml
    ctest --test-dir "$dir" "$@" -j"$jobs" --output-on-failure --timeout 600 --no-tests=error \
        --test-output-size-passed 4000000 --test-output-size-failed 4000000 --output-junit "$results" >"build/results/ctest-$dir.log" 2>&1
    local status=$?
    [ $status -eq 0 ] || grep -E 'FAILED|error:|ERROR|WARNING: Thread|    #[0-3] |Failed|Timeout' \
        "build/results/ctest-$dir.log" | head -60
    tally "$name" "$results" $status
}

run_pytest() { # name python folder
    local results="build/results/pytest-${3//\//-}.xml" log="build/results/pytest-${3//\//-}.log"
    "$2" -m pytest -q -rsfE -p no:cacheprovider --junitxml="$results" "$3" >"$log" 2>&1
    local status=$?
    case $status in
    0) ;;
    *) tail -60 "$log" ;;
    esac
    tally "$1" "$results" $status
}

step "build with gcc"
build build "all check_programs"
judge "build with gcc" $?

step "rules (make lint)"
bash tools/lint.sh
judge "rules" $?

step "unit tests"
run_ctest "unit tests" build

step "AddressSanitizer, UndefinedBehaviorSanitizer"
build build-san "all check_programs" -DVOUCH_SAN=address
judge "build with the address sanitizer" $?
step_begun=$SECONDS
run_ctest "unit tests, addresses and undefined behaviour" build-san

step "ThreadSanitizer"
cmake -S . -B build-tsan -G Ninja -DVOUCH_SAN=thread >/dev/null 2>&1
build build-tsan "$(ctest --test-dir build-tsan -N -L threads | sed -nE 's/^ *Test +#[0-9]+: (.*)/test_\1/p' |
    tr '\n' ' ')" -DVOUCH_SAN=thread
judge "build with the thread sanitizer" $?
step_begun=$SECONDS
run_ctest "tests with threads, races" build-tsan -L threads

step "build with clang"
build build-clang "all check_programs" -DCMAKE_C_COMPILER=clang-14
judge "build with clang" $?

python=$(bash tools/venv.sh)
for folder in tests/tools tests/scenario tests/interop; do
    [ -n "$(find "$folder" -name 'test_*.py' 2>/dev/null)" ] || continue
    step "$folder"
    run_pytest "$folder" "$python" "$folder"
done

step "requirements"
python3 tools/reqtrace.py --summary
judge "requirement matrix" $?

printf '\n== summary (%d s; logs in build/results)\n%s' $((SECONDS - begun)) "$summary"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
