"""Manual pages made from --help: well formed, and true to the program."""
import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VOUCH_BUILD", ROOT / "build"))


@pytest.mark.parametrize(("program", "section"), [("vouch", 1), ("vouchd", 8), ("vouch-netsim", 8)])
def test_a_page_is_well_formed_and_names_every_option(tmp_path, program, section):
    path = BUILD / "apps" / program
    if not path.exists():
        pytest.skip(f"{program} is not built")
    subprocess.run([sys.executable, ROOT / "tools/mkman.py", path, tmp_path], check=True, timeout=60)
    page = tmp_path / f"{program}.{section}"
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "error", page], capture_output=True, text=True, check=False)
    assert (lint.returncode, lint.stdout) == (0, "")
    shown = subprocess.run(["mandoc", "-T", "ascii", page], capture_output=True, text=True, check=True).stdout
    plain = re.sub(".\b", "", shown)  # bold and underlined by overstriking
    assert program in plain and "EXIT STATUS" in plain
    for line in subprocess.run([path, "--help"], capture_output=True, text=True, check=False).stdout.splitlines():
        words = line.split()
        if words and words[0].startswith("--"):
            assert words[0] in plain


def test_characters_that_roff_takes_for_requests_are_shown(tmp_path):
    program = tmp_path / "odd"
    program.write_text("#!/bin/sh\nprintf '%s\\n' 'odd - shows' '.TH not a request' \"'quoted\" 'a \\fB back-slash'\n")
    program.chmod(0o755)
    subprocess.run([sys.executable, ROOT / "tools/mkman.py", program, tmp_path], check=True, timeout=60)
    shown = subprocess.run(["mandoc", "-T", "ascii", tmp_path / "odd.1"], capture_output=True, text=True,
                           check=True).stdout
    for line in (".TH not a request", "'quoted", "a \\fB back-slash"):
        assert line in shown
