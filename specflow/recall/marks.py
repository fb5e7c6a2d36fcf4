"""Marks of files, and what is known by them: the first thing that a run asks, so it takes next to nothing to ask it."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from typing import Any, NamedTuple

from specflow import __version__

__all__ = ["RACY_NS", "Head", "Mark", "likely_root", "mark", "place_of", "read_head", "write_whole"]

RACY_NS = 50_000_000
"""A file written this short ago may be written again without its time stamp showing it."""
FOLDER = "plans"
_ROOT_MARKS = ("specflow.yaml", ".git", "pyproject.toml")

Mark = list[int]
"""Size, time, inode and mode: what tells a changed file or folder from an unchanged one."""


def mark(path: str) -> Mark | None:
    """Return the mark of a file or folder; None for nothing there."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns, found.st_ino, found.st_mode]


class Head(NamedTuple):
    """What a remembered plan was made from, all of it as it was: where it is kept, its project, and its warnings."""

    place: str
    root: str
    plan: str
    findings: list[dict[str, Any]]


def place_of(root: str, spec: str, target: str | None, profile: str | None) -> str:
    """Return where what is known of a spec is kept, but for the end of the name."""
    key = json.dumps([spec, target, profile, __version__, sys.version_info[:2]])
    return f"{root}/.specflow/{FOLDER}/{hashlib.sha256(key.encode()).hexdigest()[:24]}"


def likely_root(spec: str) -> str:
    """Return the project's folder as the loader finds it."""
    own = folder = os.path.dirname(spec)
    marked = ""
    while True:
        if os.path.isfile(f"{folder}/{_ROOT_MARKS[0]}"):
            return folder
        if not marked and any(os.path.exists(f"{folder}/{name}") for name in _ROOT_MARKS[1:]):
            marked = folder
        above = os.path.dirname(folder)
        if above == folder:
            return marked or own
        folder = above


def read_head(spec: str, target: str | None, profile: str | None) -> Head | None:
    """Return what is known of a spec, if nothing that its plan was made from has changed."""
    spec = os.path.abspath(spec)  # links stay, as in the loader
    root = likely_root(spec)
    place = place_of(root, spec, target, profile)
    try:
        with open(f"{place}.json", "rb") as stream:
            kept = json.load(stream)
    except (OSError, ValueError):
        return None
    if kept.get("root") != root or any(mark(path) != known for path, known in kept["watched"].items()):
        return None
    return Head(place, root, kept["plan"], kept["findings"])


def write_whole(path: str, content: bytes) -> None:
    """Write a file in one step: a reader sees all of it or none."""
    fresh = f"{path}.{os.getpid()}"
    with open(fresh, "wb") as stream:
        stream.write(content)
    os.replace(fresh, path)
