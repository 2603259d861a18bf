#!/usr/bin/env bash
# Every rule that a program can hold. Runs all checks, then fails if one did.
#   FULL=1 adds clang-tidy over the whole tree (minutes).
set -u
cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-build}
failed=0

check() { # name command...
    local name=$1 out
    shift
    if out=$("$@" 2>&1); then
        printf '  %-34s ok\n' "$name"
    else
        printf '  %-34s FAILED\n' "$name"
        printf '%s\n' "$out" | head -40 | sed 's/^/      /'
        failed=1
    fi
}

c_files() { git ls-files -co --exclude-standard '*.c' '*.h'; }
format() { c_files | xargs clang-format-14 --dry-run -Werror; }
headers() { ninja -C "$BUILD" --quiet all_verify_interface_header_sets; }
scripts() { git ls-files -co --exclude-standard '*.sh' .ci/run | xargs shellcheck -S warning; }
static_analysis() {
    git ls-files 'src/*.c' 'apps/*.c' | xargs cppcheck --quiet --enable=warning,portability --inline-suppr \
        --error-exitcode=1 --std=c11 -D__GNUC__=12 --suppress=missingIncludeSystem \
        --suppress=preprocessorErrorDirective -j2 --suppressions-list=tools/cppcheck.txt
}
tidy() {
    local files
    if [ "${FULL:-}" = 1 ]; then files=$(git ls-files 'src/*.c' 'apps/*.c'); else
        files=$(git diff --name-only --diff-filter=AM HEAD -- 'src/*.c' 'apps/*.c'); fi
    [ -z "$files" ] || printf '%s\n' "$files" | xargs -P2 -n4 clang-tidy-14 --quiet -p "$BUILD"
}

echo "lint"
[ -f "$BUILD/build.ninja" ] || cmake -S . -B "$BUILD" -G Ninja >/dev/null || exit 1
ninja -C "$BUILD" --quiet all || exit 1
check "format (clang-format 14)" format
check "headers compile alone" headers
check "symbols, purity, library homes" python3 tools/check_symbols.py "$BUILD"
check "banned calls, sizes, words" python3 tools/check_source.py
check "error table" python3 tools/check_errors.py
check "scripts (shellcheck)" scripts
check "cppcheck" static_analysis
check "clang-tidy, changed files" tidy
exit $failed
