"""How the demo tells its story on a terminal: chapters, facts, tables, a transcript to explore.

Colours only on a terminal, or with FORCE_COLOR; plain text otherwise, so that a log reads well too.
"""
import os
import shutil
import sys
import textwrap
import unicodedata


def _colours():
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()


COLOUR = _colours()
WIDTH = min(100, shutil.get_terminal_size((100, 24)).columns)
CODES = {"green": "32", "red": "31", "yellow": "33", "blue": "34", "bold": "1", "dim": "2",
         "cyan": "36"}


def paint(text, *styles):
    if not COLOUR or not styles:
        return text
    return f"\033[{';'.join(CODES[s] for s in styles)}m{text}\033[0m"


def width_of(text):
    """Columns that TEXT takes, without colour codes."""
    n, i = 0, 0
    while i < len(text):
        if text[i] == "\033":
            i = text.index("m", i) + 1
            continue
        n += 2 if unicodedata.east_asian_width(text[i]) in "WF" else 1
        i += 1
    return n


class Story:
    """Prints, and keeps the same words without colours for the folder that the demo leaves."""

    def __init__(self):
        self.chapter_number = 0
        self.lines = []

    def line(self, text=""):
        print(text, flush=True)
        plain, i = "", 0
        while i < len(text):
            if text[i] == "\033":
                i = text.index("m", i) + 1
                continue
            plain += text[i]
            i += 1
        self.lines.append(plain)

    def title(self, text, subtitle):
        bar = "─" * (WIDTH - 2)
        self.line()
        self.line(paint("╭" + bar + "╮", "blue"))
        for t, style in ((text, ("bold",)), (subtitle, ("dim",))):
            pad = WIDTH - 4 - width_of(t)
            self.line(paint("│", "blue") + " " + paint(t, *style) + " " * max(0, pad + 1) +
                      paint("│", "blue"))
        self.line(paint("╰" + bar + "╯", "blue"))

    def chapter(self, text):
        self.chapter_number += 1
        head = f" {self.chapter_number} "
        self.line()
        self.line(paint(head, "bold", "cyan") + paint(text, "bold") + " " +
                  paint("─" * max(3, WIDTH - width_of(head) - width_of(text) - 1), "dim"))

    def say(self, text):
        for part in textwrap.wrap(" ".join(text.split()), WIDTH - 3):
            self.line("   " + part)

    def command(self, text):
        self.line("   " + paint("$ " + text, "dim"))

    def mark(self, sign, style, text):
        parts = textwrap.wrap(" ".join(text.split()), WIDTH - 5)
        self.line("   " + paint(sign, style) + " " + parts[0])
        for more in parts[1:]:
            self.line("     " + more)

    def good(self, text):
        self.mark("✔", "green", text)

    def bad(self, text):
        self.mark("✘", "red", text)

    def note(self, text):
        self.mark("•", "yellow", text)

    def table(self, heads, rows, styles=None):
        """ROWS of texts under HEADS; STYLES maps a column to a function of its text to styles."""
        styles = styles or {}
        widths = [max(width_of(str(r[i])) for r in [heads] + rows) for i in range(len(heads))]
        room = WIDTH - 4 - 2 * (len(heads) - 1)
        if sum(widths) > room:
            widths[-1] = max(12, widths[-1] - (sum(widths) - room))
        self.line("   " + "  ".join(paint(h.ljust(w), "dim") for h, w in zip(heads, widths)).rstrip())
        for r in rows:
            cells = []
            last = textwrap.wrap(str(r[-1]), widths[-1]) or [""]
            for i, (cell, w) in enumerate(zip(list(r[:-1]) + [last[0]], widths)):
                text = str(cell) + " " * max(0, w - width_of(str(cell)))
                cells.append(paint(text, *styles[i](str(r[i]))) if i in styles else text)
            self.line("   " + "  ".join(cells).rstrip())
            for more in last[1:]:
                self.line("   " + " " * (sum(widths[:-1]) + 2 * (len(widths) - 1)) + more)

    def save(self, path):
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(self.lines) + "\n")
