"""Findings on their way to the user: rendered, coloured if the terminal likes it, to the right stream."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from typing import TextIO

from specflow.diagnostics import Diagnostic
from specflow.diagnostics.render import Format, render
from specflow.spec.load import Loader
from specflow.stages import texts_of

__all__ = ["is_colourful", "show"]


def is_colourful(stream: TextIO) -> bool:
    """Return whether to colour: on a terminal, unless NO_COLOR says no; FORCE_COLOR says yes anywhere."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


def show(
    diagnostics: Iterable[Diagnostic], loader: Loader, *, format_: Format = "text", stream: TextIO | None = None
) -> None:
    """Write findings to a stream (stderr unless said), in a format."""
    out = stream if stream is not None else sys.stderr
    found = tuple(diagnostics)
    texts = texts_of(loader, found)
    width = shutil.get_terminal_size().columns if out.isatty() else None
    out.write(render(found, format_, texts.get, colour=is_colourful(out), width=width))
    out.flush()
