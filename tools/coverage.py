#!/usr/bin/env python3
"""Line and branch coverage of the unit tests, a line for each module, held against the floors.

    tools/coverage.py [--missing MODULE]     build, run, report; --missing lists lines that never ran

Floors (percent of lines) are in tools/cov_floors.toml; a module below its own is a failure.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build-cov"


def run(*command, **more):
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, **more)


def measure():
    """Builds with counters and runs ctest; whether all tests passed."""
    jobs = str(os.cpu_count() or 1)
    for command in (("cmake", "-S", ".", "-B", "build-cov", "-G", "Ninja", "-DVOUCH_COV=ON",
                     "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS_DEBUG=-Og -g"),
                    ("ninja", "-C", "build-cov", "-j", jobs, "all", "check_programs")):
        done = run(*command)
        if done.returncode != 0:
            sys.exit(done.stdout[-3000:] + done.stderr[-3000:])
    for counters in BUILD.rglob("*.gcda"):
        counters.unlink()
    done = run("ctest", "--test-dir", "build-cov", "-j", jobs, "--timeout", "900")
    if done.returncode != 0:
        print(done.stdout[-2000:])
    return done.returncode == 0


def gcov(counters):
    done = run("gcov", "--json-format", "--stdout", "--branch-probabilities", str(counters))
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def collect():
    """File under src/ to {line: [count, branches, branches taken]}."""
    files = {}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for reports in pool.map(gcov, sorted((BUILD / "src").rglob("*.gcda"))):
            for f in (f for report in reports for f in report["files"]):
                path = os.path.relpath(os.path.join(ROOT, f["file"]), ROOT)
                if not path.startswith("src/"):
                    continue
                lines = files.setdefault(path, {})
                for x in f["lines"]:
                    entry = lines.setdefault(x["line_number"], [0, 0, 0])
                    taken = sum(b["count"] > 0 for b in x["branches"])
                    entry[0] += x["count"]
                    entry[1] = max(entry[1], len(x["branches"]))
                    entry[2] = max(entry[2], taken)
    return files


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def report(files):
    with open(ROOT / "tools/cov_floors.toml", "rb") as f:
        floors = tomllib.load(f)["lines"]
    modules = {}
    for path, lines in files.items():
        total = modules.setdefault(path.split("/")[1], [0, 0, 0, 0])
        for count, branches, taken in lines.values():
            for i, n in enumerate((count > 0, 1, taken, branches)):
                total[i] += n
    low = [m for m in floors if m not in modules]
    print(f"{'module':<12} {'lines':>14} {'':>7} {'branches':>14} {'':>7} {'floor':>6}")
    for name, (hit, lines, taken, branches) in sorted(modules.items()):
        share, floor = percent(hit, lines), floors.get(name)
        below = floor is not None and share < floor
        if below:
            low.append(name)
        print(f"{name:<12} {f'{hit}/{lines}':>14} {share:6.1f}% {f'{taken}/{branches}':>14} "
              f"{percent(taken, branches):6.1f}% {'' if floor is None else f'{floor}%':>6}"
              f"{'  BELOW' if below else ''}")
    return low


def ranges(numbers):
    out = []
    for n in sorted(numbers):
        if out and out[-1][1] == n - 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in out)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--missing", metavar="MODULE")
    a = p.parse_args()
    passed = measure()
    files = collect()
    low = report(files)
    for path, lines in sorted(files.items()):
        cold = [n for n, entry in lines.items() if entry[0] == 0]
        if a.missing and path.startswith(f"src/{a.missing}/") and cold:
            print(f"{path}: {ranges(cold)}")
    for name in low:
        print(f"{name} is below its floor of {tomllib.loads((ROOT / 'tools/cov_floors.toml').read_text())['lines'][name]}%")
    return bool(low) or not passed


if __name__ == "__main__":
    sys.exit(main())
