"""The last word on a run, where the platform's own would be another: by the records of its steps.

A step that failed and was handled fails the run all the same; so does an absent output that the pipeline promises.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from typing import Any

from specflow.attempt.evaluate import evaluate
from specflow.attempt.outcomes import is_absent, run_state
from specflow.attempt.publish import Places
from specflow.attempt.records import Records, read_record
from specflow.attempt.relay import relayed
from specflow.attempt.tell import tell

__all__ = ["judge_run"]


def judge_run(note: Mapping[str, Any], sources: Mapping[str, str], options: argparse.Namespace) -> int:
    """Return 0 if the run succeeded, else 1, the reason told; write the manifest where one is asked for.

    The note's `verdict` names the steps whose records to read, and the pipeline's outputs: their trees, and whether
    they are optional. What stands behind a step is in its record, so the last steps of each chain are enough.
    """
    verdict = note["verdict"]
    places = _places(verdict, sources, options)
    records = Records({step: read_record(path) for step, path in places.items()})
    absent = []
    for name, output in verdict["outputs"].items():
        value = evaluate(output["tree"], lambda leaf: _look_up(leaf, records))
        if is_absent(value) and not output["optional"]:
            absent.append(name)
    behind = [records.behind(step, "") for step in places]
    state = run_state(records.outcomes, absent, was_cancelled=False)
    if any(above.failed for above in behind):
        state = "failed"
    elif state == "succeeded" and any(above.cancelled for above in behind):
        state = "cancelled"
    reason = _reason(records, absent, state)
    if options.manifest:
        _write_manifest(options.manifest, state, reason, records)
    tell(f"specflow-verdict: {json.dumps({'state': state, 'reason': reason}, sort_keys=True)}\n".encode())
    return 0 if state == "succeeded" else 1


def _places(verdict: Mapping[str, Any], sources: Mapping[str, str], options: argparse.Namespace) -> dict[str, str]:
    """Return where the record of each step lies; of one elsewhere, in what its bridge left."""
    lies, paths = Places("", options.root, {}, ""), dict(options.path)
    through = verdict.get("through", {})
    homes = {bridge: relayed(bridge, paths, lies, sources) for bridge in set(through.values())}
    return {
        step: os.path.join(homes[through[step]], step) if step in through else lies.record_of(step, sources)
        for step in verdict["steps"]
    }


def _look_up(leaf: list[Any], records: Records) -> Any:
    """Return a value, or for a path that it is there; inputs and data always are."""
    if leaf[0] != "output":
        return True
    record = records.records.get(leaf[1])
    if record is None or not records.outcomes[leaf[1]].is_good:
        return None
    return record["values"].get(leaf[2], True if leaf[2] in record["outputs"] else None)


def _reason(records: Records, absent: list[str], state: str) -> str:
    if state == "succeeded":
        return ""
    known = {step: record for step, record in records.records.items() if record is not None}
    labels = [record["label"] for record in known.values() if record["state"] == "cancelled"]
    labels = records.culprits(known) if state == "failed" else labels
    if labels:
        return f"{state}: {', '.join(labels)}"
    missing = [step for step, record in records.records.items() if record is None]
    if missing:
        return f"without a record: {', '.join(missing)}"
    return f'the required output "{absent[0]}" is absent' if absent else f"a step {_ENDED[state]}"


_ENDED = {"failed": "failed", "cancelled": "was cancelled"}


def _write_manifest(path: str, state: str, reason: str, records: Records) -> None:
    document = {"manifest": 1, "state": state, "reason": reason, "records": records.records}
    if os.path.isdir(path):
        path = os.path.join(path, "manifest.json")
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(document, stream, indent=2, sort_keys=True)
        stream.write("\n")
