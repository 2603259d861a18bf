"""Each check of `make lint` finds what it is there to find, and is quiet otherwise."""
import pathlib
import subprocess
import sys

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"

ERRORS = "src/base/include/vouch/base/errors.def"
ROW = 'VCH_ERROR(LOST, "{slug}", INPUT, {number}, 400, {exit}, "it is lost", "a hole", "{remedy}")\n'


def row(slug="lost", number=101, exit=1, remedy="look for it"):
    return "/* ---- base: 100 */\n" + ROW.format(slug=slug, number=number, exit=exit, remedy=remedy)


@pytest.mark.parametrize("call", ["strcpy(a, b)", "malloc(1)", "free(p)", "atoi(s)", "system(s)", "assert(x)",
                                  "memcmp(mac, want, 32)", "sprintf(a, b)", "localtime(&t)", "alloca(3)"])
def test_banned_call_is_found(make_tree, call):
    make_tree.write("src/m/a.c", f"void f(void)\n{{\n    {call};\n}}\n")
    found = make_tree.run("check_banned.py")
    assert found.startswith(f"src/m/a.c:3: {call.split('(')[0]} is banned")


@pytest.mark.parametrize("text", ["/* strcpy(a, b) */", 'f("malloc(1)");', "o.free(p);", "my_malloc(1);",
                                  "memcmp(a, b, 32);", "gmtime_r(&a, &b);", "json->free(p);"])
def test_what_is_no_banned_call_is_not_found(make_tree, text):
    make_tree.write("src/m/a.c", text + "\n")
    assert make_tree.run("check_banned.py") == ""


def test_heap_is_for_base_and_tests(make_tree):
    make_tree.write("src/base/buf.c", "void f(void *p) { free(p); }\n")
    make_tree.write("tests/unit/a.c", "void f(void *p) { free(p); }\n")
    assert make_tree.run("check_banned.py") == ""


def test_time_is_an_argument_in_low_layers(make_tree):
    for name, layer in (("low", 7), ("high", 8)):
        make_tree.write(f"src/{name}/CMakeLists.txt", f"vch_module({name} LAYER {layer}\n SOURCES a.c)\n")
        make_tree.write(f"src/{name}/a.c", "long f(void) { return time(0); }\n")
    assert make_tree.run("check_banned.py") == "src/low/a.c:1: time is banned: time is an argument here\n"


@pytest.mark.parametrize("count, calls, ok", [(1, 1, True), (1, 2, False), (2, 1, False), (1, 0, False)])
def test_waiver_counts(make_tree, count, calls, ok):
    make_tree.write("src/m/a.c", "free(p);\n" * calls)
    make_tree.write("tools/banned.toml", '[[waiver]]\nfile = "src/m/a.c"\ncall = "free"\n'
                                         f'count = {count}\nreason = "a good reason"\n')
    assert (make_tree.run("check_banned.py") == "") is ok


def function(lines, nesting=1):
    body = "".join("    " * i + "if (a) {\n" for i in range(1, nesting)) + "".join("}\n" for _ in range(1, nesting))
    return "void f(int a)\n{\n" + body + "    a++;\n" * (lines - 2 - 2 * (nesting - 1)) + "}\n"


@pytest.mark.parametrize("path, text, fault", [
    ("src/m/a.c", function(60), ""),
    ("src/m/a.c", function(61), "function f has 61 lines"),
    ("src/m/a.c", function(30, nesting=5), ""),
    ("src/m/a.c", function(30, nesting=6), "function f nests 5 deep"),
    ("src/m/a.c", "int a;\n" * 601, "601 lines"),
    ("src/m/a.c", "#if 0\n#endif\n", "dead code"),
    ("src/m/a.c", "goto again;\n", "label again"),
    ("src/m/a.c", "goto fail;\n", ""),
    ("src/m/a.h", "typedef struct { int a; } b;\n", "typedef of a struct"),
    ("src/m/a.py", "# " + "TO" + "DO later\n", "unfinished work"),
    ("docs/a.md", "see /" + "home/me/file\n", "path of one machine"),
    ("docs/a.md", "see /homestead and src/work/a\n", ""),
    ("tools/a.sh", "curl https://" + "py" + "pi.org/simple\n", "host of a package registry"),
    ("src/m/include/vouch/m/a.h", "vch_err vch_m_do(int a);\n", "vch_m_do is not VCH_CHECKED"),
    ("src/m/include/vouch/m/a.h", "VCH_CHECKED vch_err vch_m_do(int a);\n", ""),
    ("src/m/include/vouch/m/a.h", "static inline vch_err vch_m_do(int a)\n", ""),
])
def test_text_rule(make_tree, path, text, fault):
    make_tree.write(path, text)
    found = make_tree.run("check_text.py")
    assert fault in found and bool(fault) == bool(found)


@pytest.mark.parametrize("table, fault", [
    (row(), ""),
    (row() + ROW.format(slug="lost", number=102, exit=1, remedy="x").replace("LOST", "GONE"), "slug lost stands twice"),
    (row() + ROW.format(slug="gone", number=101, exit=1, remedy="x").replace("LOST", "GONE"), "number 101 stands twice"),
    (row(number=201), "outside the heading's hundred"),
    (row(remedy="look for it."), "the remedy is empty or ends with a full stop"),
    (row(remedy=""), "the remedy is empty or ends with a full stop"),
    (row(slug="Lost it"), "slug Lost it"),
    (row(exit=3), "exit status 3"),
    (row(exit=70), "exit status 70 belongs to kind BUG"),
])
def test_error_table_rule(make_tree, table, fault):
    make_tree.write(ERRORS, table)
    make_tree.write("src/m/a.c", "VCH_E(LOST);\nVCH_E(GONE);\n")
    found = make_tree.run("check_errors.py")
    assert fault in found and bool(fault) == bool(found)


def test_error_nobody_uses_is_found(make_tree):
    make_tree.write(ERRORS, row())
    make_tree.write("src/m/a.c", "/* LOST */\n")
    assert make_tree.run("check_errors.py") == "LOST is never used\n"


@pytest.fixture
def modules(make_tree):
    make_tree.write("build/modules.txt", "base|0|FALSE||x.a\nlow|1|TRUE|base|x.a\nhigh|2|FALSE|low|x.a\n")
    return make_tree


def layers(tree):
    return tree.run("check_layers.py", str(tree.root / "build"))


def test_includes_follow_uses(modules):
    modules.write("src/high/a.c", '#include <vouch/base/err.h>\n#include <vouch/low/a.h>\n#include "a_int.h"\n')
    assert layers(modules) == ""
    modules.write("src/low/a.c", "\n#include <vouch/high/a.h>\n")
    assert layers(modules) == "src/low/a.c:2: low does not use high\n"


def test_include_of_another_module_s_private_header_is_found(modules):
    modules.write("src/high/a.c", '#include "../low/low_int.h"\n')
    assert "private headers" in layers(modules)


def archive(tree, name, text):
    tree.write(f"{name}.c", text)
    subprocess.run(["gcc", "-c", "-O1", "-fno-builtin", "-o", tree.root / f"{name}.o", tree.root / f"{name}.c"], check=True)
    subprocess.run(["ar", "rc", tree.root / f"{name}.a", tree.root / f"{name}.o"], check=True)


@pytest.mark.parametrize("text, fault", [
    ("int vch_m_f(void) { return 1; }", ""),
    ("int vch_m_f(void); void *memcpy(void *, const void *, unsigned long);"
     "int vch_m_f(void) { char a[2]; memcpy(a, \"x\", 2); return a[0]; }", ""),
    ("int f(void) { return 1; }", "m: global symbol f does not begin with vch_"),
    ("int vch_m_g(void) { return 1; }", "m: vch_m_g is in no header"),
    ("long time(long *); int vch_m_f(void) { return (int)time(0); }", "m is pure, but refers to time"),
    ("void *vch_mem_alloc(unsigned long); int vch_m_f(void) { return vch_mem_alloc(1) != 0; }",
     "m is pure, but refers to vch_mem_alloc"),
    ("void *EVP_MD_CTX_new(void); int vch_m_f(void) { return EVP_MD_CTX_new() != 0; }", "libcrypto belongs to ossl"),
])
def test_symbol_rule(make_tree, text, fault):
    archive(make_tree, "base", "void *vch_mem_alloc(unsigned long n) { return (void *)n; }")
    archive(make_tree, "m", text)
    make_tree.write("src/base/include/vouch/base/buf.h", "void *vch_mem_alloc(unsigned long n);\n")
    make_tree.write("src/m/m_int.h", "int vch_m_f(void);\n/* vch_m_g */\n")
    make_tree.write("build/modules.txt", f"base|0|FALSE||{make_tree.root}/base.a\nm|1|TRUE|base|{make_tree.root}/m.a\n")
    found = make_tree.run("check_symbols.py", str(make_tree.root / "build"))
    assert fault in found and bool(fault) == bool(found)


CTEST = """<testsuite><testcase name="a" classname="a" status="run"><system-out>
[ RUN      ] one
[       OK ] one
[ RUN      ] two
skipped: no vectors
[  SKIPPED ] two
[  SKIPPED ] 1 test(s), listed below:
[  SKIPPED ] two
</system-out></testcase>
<testcase name="b" classname="b" status="fail"><failure message="Failed"/><system-out>
[ RUN      ] three
[  FAILED  ] three
[ RUN      ] four
</system-out></testcase>
<testcase name="c" classname="c" status="fail"><failure message="Failed"/><system-out>
[ RUN      ] five
[       OK ] five
==1==ERROR: LeakSanitizer
</system-out></testcase>
<testcase name="fuzz" classname="fuzz" status="run"><system-out>40 inputs</system-out></testcase>
</testsuite>"""


def test_results_are_counted_by_case(tmp_path):
    (tmp_path / "r.xml").write_text(CTEST)
    out = subprocess.run([sys.executable, TOOLS / "test_results.py", tmp_path / "r.xml", tmp_path / "absent.xml"],
                         capture_output=True, text=True, check=True).stdout.splitlines()
    assert "skipped a.two: no vectors" in out
    assert "FAILED  b.three" in out and "FAILED  b.four: the program ended in it" in out
    assert any(line.startswith("FAILED  c: outside its cases") for line in out)
    assert out[-1] == "3 4 1"  # five, one and the fuzz replay; three, four, c and the absent file; two
