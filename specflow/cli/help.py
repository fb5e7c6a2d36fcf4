"""The text of `specflow --help`, as click would write it, without click: importing that takes longer than the rest."""

from __future__ import annotations

import os
from collections.abc import Iterable

from specflow.cli import ABOUT, COMMANDS, EXAMPLES

__all__ = ["help_text"]

OPTIONS = (("-V, --version", "Show the version and exit."), ("-h, --help", "Show this message and exit."))
MOST_COLUMNS, LEAST_COLUMNS = 100, 50


def help_text(columns: int | None = None) -> str:
    """Return the help of the whole command line for a terminal so wide."""
    width = max(min(columns or _columns(), MOST_COLUMNS) - 2, LEAST_COLUMNS)
    parts = [
        "Usage: specflow [OPTIONS] COMMAND [ARGS]...\n",
        "".join(f"  {line}\n" for line in _wrapped(ABOUT, width - 2)),
        f"Options:\n{_listed(OPTIONS, width)}",
        f"Commands:\n{_listed(((name, line) for name, (_, line) in COMMANDS.items()), width)}",
        "".join(f"  {line}\n" for line in EXAMPLES.rstrip("\n").split("\n")),
    ]
    return "\n".join(parts)


def _columns() -> int:
    try:
        return int(os.environ.get("COLUMNS", "")) or os.get_terminal_size().columns
    except (OSError, ValueError):
        return 80


def _listed(rows: Iterable[tuple[str, str]], width: int) -> str:
    rows = tuple(rows)
    column = max(len(name) for name, _ in rows) + 2
    lines = []
    for name, told in rows:
        first, *others = _wrapped(told, max(width - column - 2, 10))
        lines.append(f"  {name:{column}}{first}")
        lines += [f"  {'':{column}}{line}" for line in others]
    return "\n".join(lines) + "\n"


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
