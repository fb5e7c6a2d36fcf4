"""Where a launched step's outputs and record go, and how they get there: copied whole, the record last."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from typing import Any

from specflow.attempt.addresses import below, is_address, make_empty, put
from specflow.attempt.digests import digest_and_size
from specflow.attempt.prepare import output_name
from specflow.attempt.records import RECORD_FILE
from specflow.attempt.values import PATH_TYPES

__all__ = ["ABSENT_FILE", "Places", "publish"]

ABSENT_FILE = ".specflow-absent"
"""Stands in a folder that the platform wants to be there though the step left no such output."""
FOLDERS = ("folder", "model")


class Places:
    """The places of one step: each named by the platform, or else below the run's root, or beside the record."""

    def __init__(self, step: str, root: str, outputs: Mapping[str, str], record: str) -> None:
        """Take the root, or the place of each output and of the record."""
        self.step, self.root, self.outputs = step, root, outputs
        beside = record if os.path.isdir(record) else os.path.dirname(record)
        self.home = os.path.join(root, step) if root else beside
        self.record = record or os.path.join(self.home, RECORD_FILE)

    def record_of(self, need: str, given: Mapping[str, str]) -> str:
        """Return where the record of another step lies."""
        return given[need] if need in given else os.path.join(self.root, need, RECORD_FILE)

    def output_of(self, record: str, path: str) -> str:
        """Return where an output lies that a record names, from the record's folder."""
        if "://" in path or os.path.isabs(path):
            return path
        folder = record if os.path.isdir(record) else os.path.dirname(record)
        return os.path.join(folder, path)

    def place(self, port: str, name: str, attempt: int) -> tuple[str, str]:
        """Return where an output goes, and how its record names the place."""
        if port in self.outputs:
            path = self.outputs[port]
            return path if "://" in path else os.path.abspath(path), ""
        relative = f"outputs-{attempt}/{name}"
        return os.path.join(self.home, relative), relative

    def direct(self, ports: Mapping[str, Any], attempt: int) -> dict[str, str]:
        """Return the final places of folders, made where they can be: what Spark writes is not moved afterwards."""
        found = {}
        for port, facts in ports.items():
            if facts["type"] in FOLDERS:
                path, _ = self.place(port, output_name(port, facts), attempt)
                if is_address(path):
                    make_empty(path)
                else:
                    _clear(path)
                    os.makedirs(path, exist_ok=True)
                found[port] = path
        return found

    def fill(self, ports: Mapping[str, Any], present: set[str]) -> None:
        """Leave something where the platform was promised an output that is absent: readers go by the record."""
        for port, facts in ports.items():
            path = self.outputs.get(port)
            if port in present or path is None:
                continue
            if is_address(path):
                _fill_address(path, is_folder=facts["type"] in FOLDERS)
                continue
            if facts["type"] in FOLDERS:
                os.makedirs(path, exist_ok=True)
                path = os.path.join(path, ABSENT_FILE)
            os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
            with open(path, "wb"):
                pass


def _fill_address(address: str, *, is_folder: bool) -> None:
    with tempfile.NamedTemporaryFile() as empty:
        put(empty.name, below(address, ABSENT_FILE) if is_folder else address)


def publish(
    ports: Mapping[str, Any], made: Mapping[str, str], absent: set[str], places: Places, attempt: int
) -> dict[str, dict[str, Any]]:
    """Return the outputs of an attempt as its record names them, each copied whole to its place."""
    left = {}
    for port, facts in ports.items():
        if port in absent or facts["type"] not in PATH_TYPES:
            continue
        name = output_name(port, facts)
        place, path = places.place(port, name, attempt)
        if place != made[port]:
            _copy(made[port], place)
        sha256, size = digest_and_size(made[port]) if "://" not in made[port] else ("", 0)
        left[port] = {"name": name, "path": path or place, "sha256": sha256, "bytes": size}
    return left


def _clear(place: str) -> None:
    """Take away what an earlier launch left, one that was ended before its record; a folder itself may be a mount."""
    if not os.path.isdir(place):
        with contextlib.suppress(OSError):
            os.unlink(place)
        return
    for entry in list(os.scandir(place)):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)


def _copy(source: str, place: str) -> None:
    if is_address(place):
        put(source, place)
        return
    _clear(place)
    if os.path.isdir(source):
        os.makedirs(place, exist_ok=True)
        shutil.copytree(source, place, symlinks=False, copy_function=shutil.copyfile, dirs_exist_ok=True)
    else:
        os.makedirs(os.path.dirname(os.path.abspath(place)), exist_ok=True)
        shutil.copyfile(source, place)
    _protect(place)


def _protect(place: str) -> None:
    """Take away what would let a reader change an output, where the file system knows of such a thing."""
    with contextlib.suppress(OSError):
        if os.path.isdir(place):
            for here, _, names in os.walk(place):
                for name in names:
                    _without_write(os.path.join(here, name))
        else:
            _without_write(place)


def _without_write(path: str) -> None:
    os.chmod(path, stat.S_IMODE(os.stat(path).st_mode) & ~0o222)
