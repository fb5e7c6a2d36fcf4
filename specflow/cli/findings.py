"""Findings on their way to the user: rendered, coloured if the terminal likes it, to the right stream."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from typing import TextIO

from specflow.cli.terminal import is_colourful, put
from specflow.diagnostics import Diagnostic
from specflow.diagnostics.render import Format, render
from specflow.spec.load import Loader
from specflow.stages import texts_of

__all__ = ["show"]


def show(
    diagnostics: Iterable[Diagnostic], loader: Loader, *, format_: Format = "text", stream: TextIO | None = None
) -> None:
    """Write findings to a stream (stderr unless said), in a format."""
    out = stream if stream is not None else sys.stderr
    found = tuple(diagnostics)
    texts = texts_of(loader, found)
    width = shutil.get_terminal_size().columns if out.isatty() else None
    put(out, render(found, format_, texts.get, colour=is_colourful(out), width=width))  # who leaves changes no verdict
