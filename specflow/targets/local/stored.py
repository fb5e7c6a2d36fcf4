"""What lies in the exchange store: by pipeline and job, how large, how old, and whether anything here refers to it.

A job's folder is referred to while its run is in the history, or while a later run of its pipeline is and the job may
be taken over again. Forgetting runs (`specflow cache clean`) is what lets go of it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from specflow.attempt.brief import RUN_ID
from specflow.errors import UsageError
from specflow.history import ForeignRow, History, RunRow
from specflow.spec.checks.files import PROTOCOLS, is_address

__all__ = ["Store", "Stored", "chosen", "open_store"]

OFFLINE = ("file", "memory")
"""Protocols that lead nowhere else; the others are those that a location may have."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What one job has left in the store: `<pipeline>/<job>`."""

    pipeline: str
    job: str
    run: str
    """The run that it belongs to, as far as it is known."""
    bytes: int
    files: int
    changed: float
    """When its last file was written, in seconds since 1970."""
    is_held: bool
    """Whether a run of the history refers to it, or may."""

    @property
    def name(self) -> str:
        """Return its place below the store."""
        return f"{self.pipeline}/{self.job}"


class Store:
    """An exchange store as this machine reaches it."""

    def __init__(self, files: Any, prefix: str) -> None:
        """Take an fsspec filesystem, and the store's path on it."""
        self.files, self.prefix = files, prefix.rstrip("/")

    def look(self, history: History) -> tuple[Stored, ...]:
        """Return all that lies in the store, oldest first."""
        runs = history.runs(1_000_000)
        jobs = history.foreign_jobs()
        found = [
            self._stored(pipeline, job, runs, jobs) for pipeline in self._below("") for job in self._below(pipeline)
        ]
        return tuple(sorted(found, key=lambda one: (one.changed, one.name)))

    def remove(self, stored: Stored) -> None:
        """Delete what one job has left."""
        self.files.rm(f"{self.prefix}/{stored.name}", recursive=True)

    def _below(self, name: str) -> list[str]:
        place = f"{self.prefix}/{name}".rstrip("/")
        if not self.files.isdir(place):
            return []
        entries = self.files.ls(place, detail=True)
        return sorted(FilePath(entry["name"]).name for entry in entries if entry["type"] == "directory")

    def _stored(self, pipeline: str, job: str, runs: Iterable[RunRow], jobs: Iterable[ForeignRow]) -> Stored:
        place = f"{self.prefix}/{pipeline}/{job}"
        files = self.files.find(place, detail=True).values()
        changed = max((_seconds(entry) for entry in files), default=0.0)
        of_name = RUN_ID.match(job)
        referring = [row for row in jobs if job in set(_parts(row))]
        run = of_name.group() if of_name else next((row.run for row in referring), "")
        is_kept = any(row.id == run for row in runs)
        is_usable = any(row.state in ("running", "succeeded") for row in referring)
        is_held = is_kept or (is_usable and any(row.pipeline == pipeline for row in runs))
        size = sum(entry["size"] or 0 for entry in files)
        return Stored(pipeline, job, run, size, len(files), changed, is_held)


def chosen(
    found: Iterable[Stored], now: float, *, days: float | None = None, run: str | None = None
) -> Iterator[Stored]:
    """Yield what may go: what nothing refers to, of a run and of an age where these are said."""
    for one in found:
        is_old = days is None or one.changed < now - days * 86400
        if not one.is_held and is_old and (run is None or one.run == run):
            yield one


def open_store(address: str, root: FilePath) -> Store:
    """Return the store at an address, or in a folder of the project; raise UsageError for what can't be read here."""
    import fsspec

    if not is_address(address):
        return Store(fsspec.filesystem("file"), os.path.normpath(root / address))
    protocol = address.partition(":")[0]
    if protocol not in (*PROTOCOLS, *OFFLINE):
        raise UsageError(f'a store that begins with "{protocol}:" is not read')
    try:
        files, prefix = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as failure:
        raise UsageError(f'the store "{address}" can\'t be read here: {failure}') from failure
    return Store(files, prefix)


def _parts(row: ForeignRow) -> Iterator[str]:
    """Yield the parts of all addresses in a job's records; its key is the name of its folder on some platforms."""
    yield row.key
    for text in re.findall(r'"((?:[^"\\]|\\.)*)"', json.dumps(row.records)):
        if "/" in text:
            yield from text.split("/")


def _seconds(entry: Any) -> float:
    """Return when a file was written; filesystems call and write it in their own ways."""
    for key in ("mtime", "last_modified", "LastModified", "created"):
        value = entry.get(key)
        if value is not None:
            return float(value.timestamp()) if hasattr(value, "timestamp") else float(value)
    return 0.0
