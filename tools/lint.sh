#!/usr/bin/env bash
# Every rule that a program can hold. Runs all checks to the end, then fails if one did.
#   FULL=1 has clang-tidy look at the whole tree (minutes) instead of what changed.
set -u
cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-build}
failed=0
mkdir -p "$BUILD/lint/cppcheck"

check() { # name command...
    local name=$1 log="$BUILD/lint/$2.log" lines
    shift
    if "$@" >"$log" 2>&1; then
        printf '  %-34s ok\n' "$name"
    else
        failed=1
        lines=$(wc -l <"$log")
        printf '  %-34s FAILED\n' "$name"
        head -30 "$log" | sed 's/^/      /'
        [ "$lines" -le 30 ] || printf '      ... and %d lines more: %s\n' $((lines - 30)) "$log"
    fi
}

tree() { python3 tools/tree.py "$@"; }
python() { python3 "tools/$1.py" "${@:2}"; }
format() { tree '*.c' '*.h' | xargs clang-format-14 --dry-run -Werror; }
headers() { ninja -C "$BUILD" --quiet all_verify_interface_header_sets; }
layers() { python check_layers "$BUILD"; }
symbols() { python check_symbols "$BUILD"; }
banned() { python check_banned; }
texts() { python check_text; }
errors() { python check_errors; }
scripts() { tree '*.sh' '.ci/run' | xargs shellcheck -S warning; }

# Base's headers bring the macros through which all code returns early; with every module's headers it
# takes ten times as long and finds no more.
static_analysis() {
    tree 'src/*.c' 'apps/*.c' | xargs cppcheck --quiet --enable=warning,portability --inline-suppr \
        --error-exitcode=1 --std=c11 -D__GNUC__=12 -Isrc/base/include --suppress=missingIncludeSystem -j2 \
        --suppressions-list=<(grep -v '^#' tools/cppcheck.txt) --cppcheck-build-dir="$BUILD/lint/cppcheck"
}

# What changed against the main line: on it, the last commit; a tree without history has nothing.
changed() {
    local base
    base=$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main 2>/dev/null)
    [ -n "$base" ] && [ "$base" != "$(git rev-parse HEAD)" ] || base=$(git rev-parse -q --verify HEAD~1)
    [ -z "$base" ] || git diff --name-only --diff-filter=AMR "$base" -- 'src/*.c' 'apps/*.c'
}

tidy() {
    { if [ "${FULL:-}" = 1 ]; then tree 'src/*.c' 'apps/*.c'; else changed 2>/dev/null; fi; } |
        xargs -r -P2 -n4 clang-tidy-14 --quiet -p "$BUILD"
}

echo "lint"
[ -f "$BUILD/build.ninja" ] || cmake -S . -B "$BUILD" -G Ninja >/dev/null || exit 1
ninja -C "$BUILD" --quiet all || exit 1
check "format (clang-format 14)" format
check "headers compile alone" headers
check "layers" layers
check "symbols, purity, library homes" symbols
check "banned calls" banned
check "sizes, nesting, results, words" texts
check "error table" errors
check "scripts (shellcheck)" scripts
check "cppcheck" static_analysis
check "clang-tidy (changed files)" tidy
exit $failed
