"""What a run left standing: every file that its results hang on, by its mark. While they are as they were, they hold.

A run of the same plan, for the same inputs, by the same interpreter, need not work out the keys of such steps again. If
all of it stands, there is nothing to do but to say so.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from specflow.recall.marks import Mark, mark, write_whole
from specflow.recall.packing import as_json

__all__ = ["Held", "Standing", "interpreter", "read_standing", "write_standing"]


class Held(NamedTuple):
    """One step's result: its home, values and paths by port, metrics, and the files that it hangs on by number."""

    id: str
    label: str
    needs: Sequence[str]
    home: str
    outputs: dict[str, Any]
    metrics: dict[str, Any]
    files: Sequence[int]


class Standing(NamedTuple):
    """A run whose steps all succeeded, or had before, and whose outcome hangs on nothing but files."""

    run: str
    name: str
    plan: str
    inputs: Mapping[str, Any]
    interpreter: Sequence[Any]
    files: Sequence[tuple[str, Mark]]
    steps: Sequence[Held]
    outputs: Mapping[str, Any]

    def stands(self) -> bool:
        """Return whether every file is as it was."""
        return all(mark(path) == known for path, known in self.files)

    def holding(self) -> Iterator[Held]:
        """Yield the steps whose own files, and those of all that they need, are as they were; plans are in order."""
        changed = {number for number, (path, known) in enumerate(self.files) if mark(path) != known}
        fallen: set[str] = set()
        for step in self.steps:
            if fallen.isdisjoint(step.needs) and changed.isdisjoint(step.files):
                yield step
            else:
                fallen.add(step.id)


def interpreter(*, with_packages: bool) -> list[Any]:
    """Return what tells this interpreter from another; with packages, what tells that none was installed or removed."""
    found: list[Any] = [sys.executable, sys.version]
    if with_packages:
        found += [[path, mark(path)] for path in sys.path if os.path.isdir(path)]
    return found


def read_standing(place: str, plan: str, inputs: Mapping[str, Any]) -> Standing | None:
    """Return what the last run of a plan left standing, if it was for these inputs and by this interpreter."""
    try:
        with open(f"{place}.run.json", "rb") as stream:
            kept = json.load(stream)
    except (OSError, ValueError):
        return None
    if not kept["plan"].startswith(plan) or kept["inputs"] != inputs:
        return None
    if kept["interpreter"] != interpreter(with_packages=len(kept["interpreter"]) > 2):
        return None
    steps = [Held(*step) for step in kept.pop("steps")]
    return Standing(**kept, steps=steps)


def write_standing(place: str, standing: Standing) -> None:
    """Keep what a run left standing, in place of what the one before did."""
    write_whole(f"{place}.run.json", as_json(standing._asdict()))
