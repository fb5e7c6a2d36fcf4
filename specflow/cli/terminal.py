"""What the terminal likes."""

from __future__ import annotations

import os
from typing import TextIO

__all__ = ["counted", "is_colourful", "put"]


def is_colourful(stream: TextIO) -> bool:
    """Return whether to colour: on a terminal, unless NO_COLOR says no; FORCE_COLOR says yes anywhere."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


def put(stream: TextIO, text: str) -> None:
    """Write a text at once; where nobody reads any more, this and all that follows goes nowhere, and work goes on."""
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def counted(number: int, noun: str) -> str:
    """Return a number of things, the noun as it is for so many."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
