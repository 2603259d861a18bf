"""Small trees made on the spot, and the checks run over them."""
import pathlib
import subprocess
import sys

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"


class Tree:
    def __init__(self, root):
        self.root = root

    def write(self, path, text):
        p = self.root / path
        p.parent.mkdir(parents=True, exist_ok=True)
        p.write_text(text)

    def run(self, tool, *args):
        done = subprocess.run([sys.executable, TOOLS / tool, *args, "--root", self.root], capture_output=True,
                              text=True, timeout=60)
        assert done.returncode in (0, 1), done.stderr
        assert bool(done.returncode) == ("FAULT" in done.stdout if tool == "reqtrace.py" else bool(done.stdout))
        return done.stdout


@pytest.fixture
def make_tree(tmp_path):
    return Tree(tmp_path)
