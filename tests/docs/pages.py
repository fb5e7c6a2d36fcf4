"""A page of Markdown → its fenced blocks. docs/README.md says what each kind of block means."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")))

# Pages whose blocks are held by tests of their own, with where these are.
HELD_ELSEWHERE = {"docs/diagnostics.md": "tests/diagnostics"}

_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<words>[^\n`]*)\n(?P<text>.*?)^(?P=fence)[ ]*$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, the `name=value` words behind it, its text, and the line it begins at."""

    language: str
    words: dict[str, str]
    text: str
    line: int


@dataclass(frozen=True)
class Command:
    """One command of a `console` block, and what the page says it prints."""

    text: str
    expected: str
    line: int


def blocks(markdown: str) -> list[Block]:
    """Return the fenced blocks in order; raise ValueError for one that no test would look at."""
    found = []
    for match in _FENCE.finditer(markdown):
        language, *rest = match["words"].split() or [""]
        words = dict(word.split("=", 1) if "=" in word else (word, "") for word in rest)
        block = Block(language, words, match["text"], markdown.count("\n", 0, match.start()) + 1)
        _refuse_untested(block)
        found.append(block)
    return found


def _refuse_untested(block: Block) -> None:
    known = {"console": {"exit"}, "mermaid": {"spec"}}.get(block.language, {"file"})
    if set(block.words) - known:
        raise ValueError(f"line {block.line}: `{block.language}` takes no {sorted(set(block.words) - known)}")
    if block.language not in ("console", "python", "text") and not {"file", "spec"} & set(block.words):
        raise ValueError(f"line {block.line}: say file=<path>, or `text` if nothing can be done with the block")


def commands(block: Block) -> list[Command]:
    """Return the commands of a `console` block: each begins with `$ ` and goes on after a backslash."""
    found: list[Command] = []
    text, expected, start = "", "", 0
    lines = block.text.splitlines(keepends=True)
    for number, line in enumerate(lines, block.line + 1):
        if text.endswith("\\\n"):
            text += line
        elif line.startswith("$ "):
            if text:
                found.append(Command(text.rstrip("\n"), expected, start))
            text, expected, start = line[2:], "", number
        elif text:
            expected += line
        else:
            raise ValueError(f"line {number}: a console block begins with a command, `$ …`")
    return [*found, Command(text.rstrip("\n"), expected, start)]
