"""What a bridge and its neighbours hand to one another, where a platform coordinates a pipeline.

A bridge is a step whose one output, `records`, holds a folder for each step elsewhere that it stands for, with the
record of that. Outputs that cross lie in the exchange store; their records say where, from its root: `stored`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from specflow.attempt.publish import Places
from specflow.attempt.records import Record, read_record

__all__ = [
    "BEGAN",
    "EMULATORS",
    "GIVEN_FILE",
    "MARK",
    "PORT",
    "hand_over",
    "in_store",
    "line_for",
    "neighbour_variables",
    "relayed",
    "told_in",
]

PORT = "records"
GIVEN_FILE = "given.json"
EMULATORS = "SPECFLOW_EMULATORS"
"""The variable by which a bridge on an emulated platform finds the other emulators of its run."""
BEGAN = "began"
"""The event that a bridge tells first: begun again, it tells everything anew."""
MARK = "specflow-bridge: "
"""What the line of a bridge's log begins with by which it relays what happens elsewhere."""
NOWHERE = os.path.join(os.devnull, "nothing")
"""A path at which there never is anything."""


def neighbour_variables(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return what tells a process on an emulated platform where the other emulators of its run are."""
    neighbours = settings.get("neighbours")
    return {EMULATORS: json.dumps(neighbours, sort_keys=True)} if neighbours else {}


def relayed(bridge: str, paths: Mapping[str, str], places: Places, given: Mapping[str, str]) -> str:
    """Return the folder in which a bridge has left records; one that is not there where it left none."""
    if f"{bridge}.{PORT}" in paths:
        return paths[f"{bridge}.{PORT}"]
    source = places.record_of(bridge, given)
    record = read_record(source)
    left = record["outputs"].get(PORT) if record is not None else None
    return NOWHERE if left is None else places.output_of(source, left["path"])


def hand_over(
    folder: str, run: Mapping[str, Any], values: Mapping[str, Any], records: Mapping[str, Record | None]
) -> None:
    """Write what a bridge is given into the folder that it runs in: inputs of the pipeline, records of steps."""
    with open(os.path.join(folder, GIVEN_FILE), "w", encoding="utf-8") as stream:
        json.dump({"run": dict(run), "inputs": dict(values), "records": dict(records)}, stream)


def in_store(
    outputs: dict[str, dict[str, Any]], places: Places, named: Mapping[str, str], store: str
) -> dict[str, dict[str, Any]]:
    """Return outputs as a record has them, with their names in the exchange store where they lie in that.

    `named` are names that the platform was told, with variables of this process in them; else a path below `store` is.
    """
    found = {}
    for port, left in outputs.items():
        path = places.output_of(places.record, left["path"])
        if port in named:
            left = {**left, "stored": os.path.expandvars(named[port])}
        elif store and path.startswith(f"{store}/"):
            left = {**left, "stored": path[len(store) + 1 :]}
        found[port] = left
    return found


def line_for(event: Mapping[str, Any]) -> str:
    """Return the line by which a bridge tells of something."""
    return MARK + json.dumps(event, sort_keys=True)


def told_in(text: str, times: int = 1) -> list[dict[str, Any]]:
    """Return what a bridge has told in its log since it last began; lines that were cut off are left out.

    Nothing, where it has not begun so many times: what is there is of an earlier attempt.
    """
    found: list[dict[str, Any]] = []
    begun = 0
    for line in text.splitlines():
        if line.startswith(MARK):
            try:
                event = json.loads(line[len(MARK) :])
            except ValueError:
                continue
            if isinstance(event, dict):
                if event.get("event") == BEGAN:
                    found.clear()
                    begun += 1
                found.append(event)
    return found if begun >= times else []
