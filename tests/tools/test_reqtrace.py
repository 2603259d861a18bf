"""tools/reqtrace.py: what it must refuse, and what it must count."""
import json

import pytest

CATALOGUE = """
[[requirement]]
id = "Y.2247-7.1-1"
level = "required"
kind = "software"
actor = "x"
text = "one"
verify = "x"

[[requirement]]
id = "Y.2247-7.2.1-2"
level = "required"
kind = "software"
actor = "x"
text = "two"
verify = "x"
"""


@pytest.fixture
def rows(make_tree):
    make_tree.write("req/y2247.toml", CATALOGUE)
    return make_tree


def states(tree):
    return {r["id"]: r["state"] for r in json.loads(tree.run("reqtrace.py", "--json"))["rows"]}


def faults(tree):
    return [line for line in tree.run("reqtrace.py", "--summary").splitlines() if line.startswith("FAULT")]


def test_nothing_cited_is_open_and_no_fault(rows):
    assert states(rows) == {"Y.2247-7.1-1": "open", "Y.2247-7.2.1-2": "open"}


def test_cited_in_code_and_test_is_demonstrated(rows):
    rows.write("src/a/a.c", "/* req: Y.2247-7.1-1 (the first), Y.2247-7.2.1-2 */\n")
    rows.write("tests/a.c", "/* req-test: Y.2247-7.1-1,\n * Y.2247-7.2.1-2 */\n")
    assert set(states(rows).values()) == {"demonstrated"}
    assert faults(rows) == []


def test_cited_in_code_alone_is_a_fault(rows):
    rows.write("src/a/a.c", "/* req: Y.2247-7.1-1 */\n")
    assert faults(rows) == ["FAULT Y.2247-7.1-1 is cited in code (src/a/a.c:1) but in no test"]


@pytest.mark.parametrize("wrong", ["Y.2247-7.1-9", "Y.2247-7.1", "X.9999-1-1"])
def test_unknown_id_is_a_fault(rows, wrong):
    rows.write("src/a/a.c", f"\n/* req: {wrong} */\n")
    assert faults(rows) == [f"FAULT src/a/a.c:2: unknown id {wrong}"]


def test_unknown_id_in_a_test_is_a_fault(rows):
    rows.write("tests/a.py", "# req-test: Y.2247-7.1-1, Y.2247-7.1-7\n")
    assert faults(rows) == ["FAULT tests/a.py:1: unknown id Y.2247-7.1-7"]


def test_test_citation_in_code_is_a_fault(rows):
    rows.write("src/a/a.c", "/* req-test: Y.2247-7.1-1 */\n")
    assert faults(rows) == ["FAULT src/a/a.c:1: req-test outside tests"]


def test_open_row_shows_its_reason(rows):
    rows.write("req/exceptions.toml", '[[exception]]\nid = "Y.2247-7.1-1"\nreason = "no radio"\ncloses = "a radio"\n')
    text = rows.run("reqtrace.py", "--summary")
    assert "open Y.2247-7.1-1: no radio (closed by: a radio)" in text
    assert "2 open (1 with a stated reason)" in text


def test_demonstrated_row_called_open_is_a_fault(rows):
    rows.write("req/exceptions.toml", '[[exception]]\nid = "Y.2247-7.1-1"\nreason = "r"\ncloses = "c"\n'
                                      '[[exception]]\nid = "Y.2247-7.1-8"\nreason = "r"\ncloses = "c"\n')
    rows.write("src/a/a.c", "/* req: Y.2247-7.1-1 */\n")
    rows.write("tests/a.c", "/* req-test: Y.2247-7.1-1 */\n")
    assert faults(rows) == ["FAULT req/exceptions.toml: unknown id Y.2247-7.1-8",
                            "FAULT Y.2247-7.1-1 is demonstrated, but req/exceptions.toml calls it open"]


@pytest.mark.parametrize("clause, ids", [("7", 2), ("7.2", 1), ("7.1", 1), ("Y.2247-7.2.1", 1), ("X.1407", 0), ("8", 0)])
def test_clause_chooses_rows(rows, clause, ids):
    assert len(json.loads(rows.run("reqtrace.py", "--json", "--clause", clause))["rows"]) == ids
