"""Records: what a step leaves for the steps behind it, on a platform where no engine of ours sees the whole run.

One JSON file a step, written last: it is the commit marker. `above` is what stands behind the step inside each call
around it, so that whoever reads the record need not look any further back; `culprits` are those of it that failed.
An output that has come from another platform has `check` beside its digest: it is checked before it is read.

    {"record": 1, "step": id, "label": …, "state": …, "reason": …, "attempts": n, "seconds": s,
     "values": {port: value}, "metrics": {port: {name: number}},
     "outputs": {port: {"name": "train.parquet", "path": where, from the record's folder, "sha256": …, "bytes": n}},
     "above": {call id: [failed, cancelled]}, "culprits": [label, …]}
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from specflow.attempt.addresses import below, is_address, read, write
from specflow.attempt.outcomes import Ancestry, Outcome
from specflow.attempt.settle import behind_all

__all__ = [
    "LINE",
    "RECORD_FILE",
    "Record",
    "Records",
    "calls_around",
    "from_line",
    "is_record",
    "line_of",
    "new_record",
    "read_record",
    "write_record",
]

VERSION = 1
RECORD_FILE = "record.json"
LINE = "specflow-record: "
"""What the line of a step's log begins with that holds its record."""
MOST_CULPRITS = 10
"""Names in a record: the first few say where to look."""
ENDED_BY_PLATFORM = Outcome("failed", "ended by the platform")

_STATES = ("succeeded", "cached", "failed", "skipped", "cancelled")
_SHAPE: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("step", "label", "reason"), (str,)),
    **dict.fromkeys(("values", "metrics", "outputs", "above"), (dict,)),
    "attempts": (int,),
    "seconds": (int, float),
}

Record = dict[str, Any]


def calls_around(step: str) -> Iterator[str]:
    """Yield the ids of the calls around a step, the root pipeline's first: "" and, for `a__b__c`, `a` and `a__b`."""
    yield ""
    parts = step.split("__")
    for length in range(1, len(parts)):
        yield "__".join(parts[:length])


class Records:
    """How the steps right before one ended, what they left, and what stands behind them."""

    def __init__(self, records: Mapping[str, Record | None]) -> None:
        """Take a record for each step; None where a step left none, which the platform must have ended."""
        self.records = records
        self.outcomes = {name: _outcome(record) for name, record in records.items()}

    def behind(self, step: str, within: str) -> Ancestry:
        """Return what stands behind one of the steps inside a call."""
        record = self.records[step]
        failed, cancelled = (record or {"above": {}})["above"].get(within, (False, False))
        return Ancestry(failed, cancelled)

    def begun(self, step: str, label: str, outcome: Outcome, needs: list[str]) -> Record:
        """Return the record of a step that needs these and has left nothing yet."""
        return new_record(step, label, outcome, self.above(step, needs), self.culprits(needs))

    def culprits(self, needs: Iterable[str]) -> list[str]:
        """Return the labels of the first steps that failed, of some steps and all behind them."""
        found: dict[str, None] = {}
        for need in filter(self.records.__contains__, needs):
            record = self.records[need]
            if record is None:
                found[need] = None
            else:
                own = [record["label"]] if record["state"] == "failed" else []
                found |= dict.fromkeys((*record.get("culprits", ()), *own))
        return list(found)[:MOST_CULPRITS]

    def above(self, step: str, needs: list[str]) -> dict[str, list[bool]]:
        """Return what stands behind a step that needs these, inside each call around it."""
        found = {}
        for call in calls_around(step):
            prefix = f"{call}__" if call else ""
            inside = [need for need in needs if need.startswith(prefix)]
            found[call] = list(behind_all(inside, self.outcomes, self.behind, call))
        return found


def _outcome(record: Record | None) -> Outcome:
    return ENDED_BY_PLATFORM if record is None else Outcome(record["state"], record["reason"])


def new_record(
    step: str, label: str, outcome: Outcome, above: Mapping[str, list[bool]], culprits: list[str] | None = None
) -> Record:
    """Return the record of a step that left nothing."""
    return {
        "record": VERSION,
        "step": step,
        "label": label,
        "state": outcome.state,
        "reason": outcome.reason,
        "attempts": 0,
        "seconds": 0.0,
        "values": {},
        "metrics": {},
        "outputs": {},
        "above": dict(above),
        "culprits": culprits or [],
    }


def read_record(path: str) -> Record | None:
    """Return a record by its file, or the folder that holds it; None if there is none, or no more than half of one."""
    if os.path.isdir(path):
        path = os.path.join(path, RECORD_FILE)
    try:
        if is_address(path):
            text = read(below(path, RECORD_FILE))
        else:
            with open(path, encoding="utf-8") as stream:
                text = stream.read()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):  # a folder may have been made just now
        return None
    try:
        record: Record = json.loads(text)
    except ValueError:  # who wrote it was ended in the middle, or the platform has put an empty file there
        return None
    if not is_record(record):
        raise ValueError(f'"{path}" is no record of version {VERSION}')
    return record


def is_record(found: Any) -> bool:
    """Return whether a value is a whole record: a log is a step's to write, and so is its folder."""
    if not isinstance(found, dict) or found.get("record") != VERSION:
        return False
    if not all(isinstance(found.get(key), kind) for key, kind in _SHAPE.items()) or found["state"] not in _STATES:
        return False
    above = all(isinstance(each, list) and len(each) == 2 for each in found["above"].values())
    return above and all(_is_output(each) for each in found["outputs"].values())


def _is_output(found: Any) -> bool:
    """Return whether a value says what an output is: its name is one in a folder, and leads nowhere else."""
    if not isinstance(found, dict) or not isinstance(found.get("path"), str):
        return False
    name = found.get("name")
    return isinstance(name, str) and name not in ("", ".", "..") and not set(name) & {"/", "\\", "\0"}


def write_record(record: Record, path: str) -> None:
    """Write a record to a file, or into a folder that is there, as a whole; an address is a folder's."""
    if is_address(path):
        write(_text(record) + "\n", below(path, RECORD_FILE))
        return
    if os.path.isdir(path):
        path = os.path.join(path, RECORD_FILE)
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(_text(record) + "\n")


def line_of(record: Record) -> str:
    """Return the line by which a log tells a record."""
    return LINE + _text(record)


def from_line(line: str) -> Record | None:
    """Return the record that a line of a log tells; None for any other line."""
    if not line.startswith(LINE):
        return None
    try:
        found: Record = json.loads(line[len(LINE) :])
    except ValueError:  # the log was cut off, or a step wrote something alike
        return None
    return found if is_record(found) else None


def _text(record: Record) -> str:
    return json.dumps(record, separators=(",", ":"))
