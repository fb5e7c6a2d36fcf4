"""Notebooks as Python: the code of each cell, magic lines sorted out.

Source: docs.databricks.com/notebooks/notebook-format for the source format, nbformat 4 for .ipynb.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

__all__ = ["HEADER", "cells", "is_source_notebook"]

HEADER = "# Databricks notebook source"
_SEPARATOR = "# COMMAND ----------"
_MAGIC = "# MAGIC"
_IGNORED = ("%md", "%pip", "%restart_python", "%load_ext", "%autoreload", "%matplotlib", "%config")


def is_source_notebook(text: str) -> bool:
    """Return whether a Python file is a notebook in Databricks' source format."""
    return text.lstrip("\ufeff").split("\n", 1)[0].rstrip() == HEADER


def cells(text: str) -> Iterator[str]:
    """Yield the Python code of each code cell in order; raise ValueError for a cell in another language."""
    if is_source_notebook(text):
        for cell in text.split("\n", 1)[-1].split(_SEPARATOR):
            lines = [_without_magic(line) for line in cell.strip("\n").split("\n")]
            yield from _code("\n".join(lines))
        return
    for cell in json.loads(text).get("cells", ()):
        if cell.get("cell_type") == "code":
            source = cell.get("source", "")
            yield from _code(source if isinstance(source, str) else "".join(source))


def _without_magic(line: str) -> str:
    return line[len(_MAGIC) :].removeprefix(" ") if line.startswith(_MAGIC) else line


def _code(cell: str) -> Iterator[str]:
    """Yield the cell's Python, if there is any. What `%pip` names is not installed: it is here already, or missing."""
    first = cell.lstrip()
    if first.startswith("%python"):
        cell = first.removeprefix("%python")
    elif first.startswith("%") and not first.startswith(_IGNORED):
        raise ValueError(f"the emulator runs no {first.split()[0]} cell")
    lines = ["" if line.lstrip().startswith(_IGNORED) else line for line in cell.split("\n")]
    if first.startswith("%md"):
        return
    code = "\n".join(lines)
    if code.strip():
        yield code
