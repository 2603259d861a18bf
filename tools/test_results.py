#!/usr/bin/env python3
"""Reads JUnit files: prints each failure and each reason for skipping, and last "PASSED FAILED SKIPPED".

    tools/test_results.py FILE...

A program of cmocka counts by the cases that its output names, any other test as one. A file that is
missing or unreadable counts as one failure: its tests did not get to their end.
"""
import re
import sys
import xml.etree.ElementTree as ET


def reason(element):
    return " ".join((element.get("message") or element.text or "").split())[:300]


def cmocka_cases(output):
    """(name, word, reason) of each case: OK, FAILED, SKIPPED, or DIED if it began and did not end."""
    cases, before = {}, ""
    for line in output.splitlines():
        m = re.match(r"\[ *(RUN|OK|FAILED|SKIPPED) *\] ([\w-]+)$", line.rstrip())
        if m:
            word, name = m.groups()
            old = cases.get(name, (None, None))
            if word == "RUN" or old[0] == "DIED":
                why = before.removeprefix("skipped: ") if word == "SKIPPED" and "RUN" not in before else ""
                cases[name] = ("DIED" if word == "RUN" else word, why)
        before = line.strip()
    return [(name, word, why) for name, (word, why) in cases.items()]


def add_cmocka(name, output, count, lines, reasons):
    """Whether OUTPUT is a cmocka program's; if so it is counted. A failed program has a failed case."""
    cases = cmocka_cases(output)
    for case, word, why in cases:
        if word == "OK":
            count[0] += 1
        elif word == "SKIPPED":
            count[2] += 1
            reasons.setdefault(why or "what it needs is not here", []).append(f"{name}.{case}")
        else:
            count[1] += 1
            lines.append(f"FAILED  {name}.{case}" + (": the program ended in it" if word == "DIED" else ""))
    return bool(cases)


def read(path):
    """(passed, failed, skipped) and lines to print."""
    try:
        cases = list(ET.parse(path).getroot().iter("testcase"))
    except (OSError, ET.ParseError) as e:
        return (0, 1, 0), [f"FAILED  {path}: no results: {e}"]
    count, lines, reasons = [0, 0, 0], [], {}
    for case in cases:
        output = case.findtext("system-out") or ""
        before = count[1]
        if "[ RUN " in output and add_cmocka(case.get("name"), output, count, lines, reasons):
            if case.get("status") == "fail" and count[1] == before:
                count[1] += 1
                lines.append(f"FAILED  {case.get('name')}: outside its cases (a sanitizer, a leak, a time limit)")
            continue
        name = ".".join(filter(None, (case.get("classname"), case.get("name"))))
        if case.get("classname") == case.get("name"):
            name = case.get("name")
        bad = [e for tag in ("failure", "error") for e in case.findall(tag)]
        skip = case.find("skipped")
        if bad or case.get("status") == "fail":
            count[1] += 1
            lines.append(f"FAILED  {name}: {reason(bad[0]) if bad else ''}")
        elif skip is not None or case.get("status") in ("notrun", "disabled"):
            why = reason(skip) if skip is not None else ""
            reasons.setdefault(why or "no reason given", []).append(name)
            count[2] += 1
        else:
            count[0] += 1
    for why, names in reasons.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        lines.append(f"skipped {names[0]}{more}: {why}")
    return tuple(count), lines


def main():
    total = (0, 0, 0)
    for path in sys.argv[1:]:
        count, lines = read(path)
        total = tuple(a + b for a, b in zip(total, count))
        for line in lines:
            print(line)
    print(*total)


if __name__ == "__main__":
    main()
