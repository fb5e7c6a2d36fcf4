"""Results by content: what a step's key covers, finding a result again and checking it, and taking a new one over.

A key covers the command, its variables, the declared outputs, the code's digest, the environment that the step gets,
and every input: a value as it is, a path by its content and the name it is seen under. No time stamp, no run id (but
for a step that asks for one), no secret.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import time
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from specflow.attempt.collect import Collected
from specflow.attempt.prepare import output_name
from specflow.digests import digest_of_file, files_below
from specflow.history import History, ResultRow
from specflow.recall.marks import RACY_NS, Mark, mark
from specflow.targets.local.workspace import freeze

__all__ = ["Cache", "Key", "Made"]

HOME_DIGITS = 32
"""Digits of a key that name its result's folder: 128 bits, so that paths stay readable."""
GROUP_DIGITS = 2
PATHS = ("file", "folder", "model", "metrics")


class Key(NamedTuple):
    """A step's key, and the parts that it covers, as JSON too: `why` compares them."""

    digest: str
    parts: dict[str, Any]
    text: str


class Made(NamedTuple):
    """A result: values and paths by port (None: left empty), and metrics."""

    outputs: dict[str, Any]
    metrics: dict[str, dict[str, float]]
    home: str
    """The name of the folder that holds it."""


class Cache:
    """The results of one project."""

    def __init__(self, folder: FilePath, history: History) -> None:
        """Use a folder for results, and the history for what is known of them."""
        self.folder, self.history = folder, history
        self.digests: dict[str, str] = {}
        self.damaged: list[str] = []
        self.groups: set[str] = set()
        self.marks: dict[str, Mark | None] = {}
        """By path, as they were when digests were taken; None where that can't be trusted."""
        self.inside: dict[str, list[str]] = {}
        self.texts: dict[int, tuple[Any, str]] = {}

    # Keys

    def key(
        self, step: Mapping[str, Any], values: Mapping[str, Any], environment: Mapping[str, Any], run: Mapping[str, Any]
    ) -> Key:
        """Return the key of a step for the values of its inputs, in the environment that it gets."""
        inputs: dict[str, Any] = {}
        for port, facts in step["attempt"]["inputs"].items():
            value = values[port]
            if facts["type"] in PATHS and value is not None:
                value = [self._seen(item) for item in value] if isinstance(value, list) else self._seen(value)
            inputs[port] = value
        parts = {**step["parts"], "environment": environment, "inputs": inputs}
        if step["asks_run"]:
            parts["run"] = {name: run[name] for name in step["asks_run"]}
        text = "{" + ",".join(f'"{name}":{self._canonical(name, parts[name])}' for name in sorted(parts)) + "}"
        return Key(hashlib.sha256(text.encode()).hexdigest(), parts, text)

    def _canonical(self, name: str, part: Any) -> str:
        """Return one part of a key as JSON, always the same for the same; steps that share it share the work."""
        if name == "inputs":
            return json.dumps(part, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        known = self.texts.get(id(part))
        if known is None or known[0] is not part:
            known = (part, json.dumps(part, sort_keys=True, ensure_ascii=False, separators=(",", ":")))
            self.texts[id(part)] = known
        return known[1]

    def _seen(self, path: str) -> dict[str, str]:
        return {"name": os.path.basename(path), "sha256": self.digest(path)}  # noqa: PTH119 - called per input of every step

    def digest(self, path: str) -> str:
        """Return the digest of a file or folder; each file is hashed once, and again only when it has changed."""
        known = self.digests.get(path)
        if known is None:
            known = self._digest_of_folder(path) if os.path.isdir(path) else self._digest_of_file(path)  # noqa: PTH112
            self.digests[path] = known
        return known

    def _digest_of_file(self, path: str) -> str:
        found = os.stat(path)  # noqa: PTH116 - called per file
        self.marks[path] = [found.st_size, found.st_mtime_ns, found.st_ino, found.st_mode]
        remembered = self.history.file(path, found.st_size, found.st_mtime_ns, found.st_ino)
        if remembered is not None:
            return remembered
        digest = digest_of_file(path)
        if time.time_ns() - found.st_mtime_ns > RACY_NS:
            self.history.add_file(path, found.st_size, found.st_mtime_ns, found.st_ino, digest)
        else:
            self.marks[path] = None
        return digest

    def _digest_of_folder(self, path: str) -> str:
        digest = hashlib.sha256()
        self._mark_folders(path, path)
        for name in sorted(files_below(path)):
            file = os.path.join(path, name)  # noqa: PTH118 - called per file
            self.inside[path].append(file)
            digest.update(f"{self._digest_of_file(file)}  {name}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def _mark_folders(self, here: str, there: str) -> None:
        """Note the marks of a folder and all below it, by the place that it is about to have, before it is read."""
        self.inside[there] = []
        for folder, _, _ in os.walk(here, followlinks=True):  # as `files_below` goes
            found = mark(folder)
            is_settled = found is not None and time.time_ns() - found[1] > RACY_NS
            place = there + folder[len(here) :]
            self.marks[place] = found if is_settled or here != there else None
            self.inside[there].append(place)

    def marks_of(self, path: str) -> dict[str, Mark] | None:
        """Return the marks of a file, or of a folder and all in it; None if they can't be trusted, or aren't known."""
        found = {each: self.marks.get(each) for each in self.inside.get(path, (path,))}
        known = {each: its for each, its in found.items() if its is not None}
        return known if len(known) == len(found) else None

    # Results

    def home(self, name: str) -> FilePath:
        """Return where a result lies."""
        return FilePath(f"{self.folder}/{name[:GROUP_DIGITS]}/{name}")

    def _make_group(self, name: str) -> None:
        """Make the folder that a home stands in, if this run has not."""
        if name not in self.groups:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
            self.groups.add(name)

    def find(self, key: Key) -> Made | None:
        """Return the result of a key, if there is one and it is as it was made; a damaged one is dropped and named."""
        row = self.history.result(key.digest)
        return self._checked(row) if row is not None else None

    def find_again(self, home: str, key: Key) -> Made | None:
        """Return a result by its home, if it was made from the very same parts: an earlier run's own."""
        row = self.history.result_at(home)
        return self._checked(row) if row is not None and row.parts == key.parts else None

    def at(self, home: str) -> Made | None:
        """Return the result that lies at a home, if it is as it was made."""
        row = self.history.result_at(home)
        return self._checked(row) if row is not None else None

    def _checked(self, row: ResultRow) -> Made | None:
        outputs: dict[str, Any] = {}
        home = str(self.home(row.home) / "outputs")
        for port, entry in row.outputs.items():
            if entry is None or "value" in entry:
                outputs[port] = entry["value"] if entry is not None else None
                continue
            path = f"{home}/{entry['name']}"
            if not self._is_intact(path, entry):
                self._drop(row, path)
                return None
            outputs[port] = path
            self.digests[path] = entry["sha256"]
        return Made(outputs, row.metrics, row.home)

    def _is_intact(self, path: str, entry: Mapping[str, Any]) -> bool:
        try:
            if "stat" in entry:
                found = os.stat(path)  # noqa: PTH116 - called per output of every step
                if [found.st_size, found.st_mtime_ns, found.st_ino] == entry["stat"]:
                    self.marks[path] = [*entry["stat"], found.st_mode]
                    return True
            self.digests.pop(path, None)
            return bool(self.digest(path) == entry["sha256"])
        except OSError:
            return False

    def _drop(self, row: ResultRow, path: str) -> None:
        """Forget a damaged result and put it out of the way; it is made again."""
        self.damaged.append(path)
        self.history.drop_damaged(row.key, time.time())
        home = self.home(row.home)
        if home.exists():
            home.rename(home.with_name(f"{home.name}.damaged-{time.time_ns()}"))

    def take(
        self,
        key: Key,
        attempt: str,
        step: Mapping[str, Any],
        found: Collected,
        run: str,
        name: str,
        own: str | None,
        *,
        is_shared: bool,
    ) -> Made:
        """Return a finished attempt's result, moved to its place in one step and entered in the history.

        Where another run was first with the same key, its result is taken: one key, one result. `own` (run and step)
        gives the result a home of its own, in place of an earlier one; unless `is_shared`, nobody else finds it.
        """
        digest = key.digest if own is None else hashlib.sha256(f"{key.digest}/{own}".encode()).hexdigest()
        home_name = digest[:HOME_DIGITS]
        home = self.home(home_name)
        self._make_group(home_name[:GROUP_DIGITS])
        outputs, entries, size = self._describe(step, found, f"{attempt}/outputs", f"{home}/outputs")
        try:
            os.rename(attempt, home)  # noqa: PTH104 - fails if the place is taken, which is the point
        except OSError as failure:
            if failure.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            other = self.find(key)
            if other is not None:
                return other
            home.rename(home.with_name(f"{home.name}.stale-{time.time_ns()}"))
            os.rename(attempt, home)  # noqa: PTH104
        entered_as = key.digest if is_shared else digest
        row = ResultRow(entered_as, home_name, key.parts, entries, found.metrics, run, name, time.time(), size)
        self.history.add_result(row, key.text)
        return Made(outputs, found.metrics, home_name)

    def _describe(
        self, step: Mapping[str, Any], found: Collected, made: str, home: str
    ) -> tuple[dict[str, Any], dict[str, Any], int]:
        """Return an attempt's outputs as they will be at home, and as the history keeps them; their bytes."""
        outputs: dict[str, Any] = {}
        entries: dict[str, Any] = {}
        size = 0
        for port, facts in step["attempt"]["outputs"].items():
            if port in found.absent:
                outputs[port] = entries[port] = None
                continue
            if port in found.values:
                outputs[port] = found.values[port]
                entries[port] = {"value": found.values[port]}
                continue
            name = output_name(port, facts)
            here, there = f"{made}/{name}", f"{home}/{name}"
            freeze(here)
            found_there = os.stat(here)  # noqa: PTH116 - per output of every step
            if stat.S_ISDIR(found_there.st_mode):
                entries[port] = {"name": name, "sha256": self._hash_new_folder(FilePath(here), there)}
                size += sum(os.stat(os.path.join(here, n)).st_size for n in files_below(here))  # noqa: PTH116, PTH118
            else:
                known = [found_there.st_size, found_there.st_mtime_ns, found_there.st_ino]
                self.marks[there] = [*known, found_there.st_mode]
                entries[port] = {"name": name, "sha256": digest_of_file(here), "stat": known}
                size += found_there.st_size
            self.digests[there] = entries[port]["sha256"]
            outputs[port] = there
        return outputs, entries, size

    def _hash_new_folder(self, here: FilePath, there: str) -> str:
        """Return a folder's digest, its files remembered by the place that they are about to have."""
        digest = hashlib.sha256()
        self._mark_folders(str(here), there)
        for name in sorted(files_below(str(here))):
            file = here / name
            self.inside[there].append(f"{there}/{name}")
            now = file.stat()
            of_file = digest_of_file(file)
            self.history.add_file(f"{there}/{name}", now.st_size, now.st_mtime_ns, now.st_ino, of_file)
            self.marks[f"{there}/{name}"] = [now.st_size, now.st_mtime_ns, now.st_ino, now.st_mode]
            digest.update(f"{of_file}  {name}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()
