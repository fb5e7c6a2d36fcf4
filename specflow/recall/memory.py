"""Plans that were made before, found again by the files they were made from: an unchanged spec is not read twice.

A remembered plan names every file and folder that went into it, with size, time and inode, and every file whose absence
mattered. If all are as they were, the plan is the one that compiling would give.

    <place>.json            what it was made from, and which plan came out
    <place>-<digest>.json   that plan, packed, and in a second line where its files lie
    <place>.run.json        what its last run left standing: see standing.py
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

from specflow.plan import Plan
from specflow.recall.marks import RACY_NS, likely_root, mark, place_of, read_head, write_whole
from specflow.recall.packing import as_json, pack, unpack

__all__ = ["recall", "remember"]


def recall(spec: FilePath, target: str | None, profile: str | None) -> tuple[Plan, list[dict[str, Any]]] | None:
    """Return the plan of a spec and the warnings that came with it, if nothing it was made from has changed."""
    head = read_head(str(spec), target, profile)
    if head is None:
        return None
    try:
        with open(f"{head.place}-{head.plan}.json", "rb") as stream:
            packed, told = stream.read().split(b"\n")
        document, sources = unpack(json.loads(packed)), json.loads(told)
    except (OSError, ValueError):
        return None
    return Plan(document, None, sources, FilePath(head.root), memory=head.place, packed=packed), head.findings


def remember(
    spec: FilePath,
    target: str | None,
    profile: str | None,
    plan: Plan,
    watched: Iterable[FilePath],
    findings: list[dict[str, Any]],
) -> Plan:
    """Return a plan that was just made, now kept; not kept if a file is so fresh that it may change unnoticed."""
    path = os.path.abspath(spec)
    root = likely_root(path)
    marks = {str(each): mark(str(each)) for each in watched}
    now = time.time_ns()
    if str(plan.root) != root or any(found is not None and now - found[1] < RACY_NS for found in marks.values()):
        return plan
    place = place_of(root, path, target, profile)
    name = plan.document["digest"][:16]
    os.makedirs(os.path.dirname(place), exist_ok=True)
    sources = {each: str(source) for each, source in plan.sources.items()}
    columns = pack(plan.document)
    packed = as_json(columns)
    write_whole(f"{place}-{name}.json", packed + b"\n" + as_json(sources))
    write_whole(f"{place}.json", as_json({"root": root, "watched": marks, "findings": findings, "plan": name}))
    for other in FilePath(place).parent.glob(f"{os.path.basename(place)}-*.json"):
        if other.name != f"{os.path.basename(place)}-{name}.json":
            other.unlink(missing_ok=True)
    # Unpacked again, what steps have in common is one object: less to hold, and to write.
    return replace(plan, document=unpack(columns), memory=place, packed=packed)
