"""Plans that were made before, found again by the files they were made from: an unchanged spec is not read twice.

A remembered plan names every file and folder that went into it, with size, time and inode, and every file whose absence
mattered. If all are as they were, the plan is the one that compiling would give.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any

from specflow import __version__
from specflow.digests import RACY_NS
from specflow.plan import Plan

__all__ = ["recall", "remember"]

FOLDER = "plans"
_ROOT_MARKS = ("specflow.yaml", ".git", "pyproject.toml")


def _place(root: FilePath, spec: FilePath, target: str | None, profile: str | None) -> FilePath:
    key = json.dumps([str(spec), target, profile, __version__])
    return root / ".specflow" / FOLDER / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"


def _likely_root(spec: FilePath) -> FilePath:
    """Return the project's folder as the loader finds it."""
    above = (spec.parent, *spec.parent.parents)
    for folder in above:
        if os.path.isfile(f"{folder}/{_ROOT_MARKS[0]}"):  # noqa: PTH113 - before every run
            return folder
    marked = (folder for folder in above if any(os.path.exists(f"{folder}/{mark}") for mark in _ROOT_MARKS[1:]))  # noqa: PTH110
    return next(marked, spec.parent)


def recall(spec: FilePath, target: str | None, profile: str | None) -> tuple[Plan, list[dict[str, Any]]] | None:
    """Return the plan of a spec and the warnings that came with it, if nothing it was made from has changed."""
    spec = FilePath(os.path.abspath(spec))  # noqa: PTH100 - links stay, as in the loader
    root = _likely_root(spec)
    try:
        with open(_place(root, spec, target, profile), "rb") as stream:  # noqa: PTH123 - before every run
            kept = json.load(stream)
    except (OSError, ValueError):
        return None
    if kept.get("root") != str(root) or any(_mark(path) != mark for path, mark in kept["watched"].items()):
        return None
    sources = {name: FilePath(path) for name, path in kept["sources"].items()}
    return Plan(kept["plan"], None, sources, root), kept["findings"]


def _mark(path: str) -> list[int] | None:
    """Return what tells a changed file or folder from an unchanged one; None for nothing there."""
    try:
        found = os.stat(path)  # noqa: PTH116 - for every watched file
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns, found.st_ino, found.st_mode]


def remember(
    spec: FilePath,
    target: str | None,
    profile: str | None,
    plan: Plan,
    watched: Iterable[FilePath],
    findings: list[dict[str, Any]],
) -> None:
    """Keep a plan that was just made. What was written a moment ago may change unnoticed: then nothing is kept."""
    spec = FilePath(os.path.abspath(spec))  # noqa: PTH100
    root = _likely_root(spec)
    if plan.root != root:
        return
    marks = {str(path): _mark(str(path)) for path in watched}
    now = time.time_ns()
    if any(mark is not None and now - mark[1] < RACY_NS for mark in marks.values()):
        return
    kept: Mapping[str, Any] = {
        "root": str(root),
        "watched": marks,
        "findings": findings,
        "plan": plan.document,
        "sources": {name: str(path) for name, path in plan.sources.items()},
    }
    place = _place(root, spec, target, profile)
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = place.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(kept, separators=(",", ":")), encoding="utf-8")
    fresh.replace(place)
