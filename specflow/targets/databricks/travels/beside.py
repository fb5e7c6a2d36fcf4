"""What is done beside a step that the platform runs by itself: decide before it, take down how it ended behind it."""

import contextlib
import importlib
import json
import os
import shutil
import tempfile
from typing import Any

start = importlib.import_module("start")  # beside this file

FOLDERS = ("folder", "model")
RAN = ("success", "failed", "timedout", "canceled", "evicted")
"""How a task ends that has begun: then the record of its step is still to be written."""


def decide(note: str, options: list[str]) -> dict[str, str] | None:
    """Return the texts of a step's ports, outputs included, if it runs; else None, and its record says why."""
    settled = _brief(note, options)
    _forget(settled)
    outcomes = importlib.import_module("specflow.attempt.outcomes")
    unfit = importlib.import_module("specflow.attempt.prepare").PrepareError
    absent = importlib.import_module("specflow.attempt.evaluate").EvaluationError
    try:
        given = settled.values()
    except (ValueError, absent, unfit) as failure:
        given = outcomes.Outcome("failed", str(failure))
    if isinstance(given, outcomes.Outcome):
        _record(settled, given, 0)
        return None
    _make_places(settled, options)
    return {**{port: _text(value) for port, value in given.items()}, **_places(settled, 1)}


def take_down(note: str, options: list[str]) -> int:
    """Return the exit code of the task behind a step, once its record is written and told."""
    settled = _brief(note, options)
    records = importlib.import_module("specflow.attempt.records")
    outcomes = importlib.import_module("specflow.attempt.outcomes")
    ended, count = start.value_of(options, "ended"), int(start.value_of(options, "attempt", "1"))
    # One that did not run has a record of the task that decided; of another, a record is that of a run since repaired.
    known = None if ended.lower() in RAN else records.read_record(settled.places.record)
    if known is None:
        known = _ended(settled, ended, count, outcomes)
        with contextlib.suppress(OSError):  # how the step ended is settled
            _make_places(settled, options, _number(settled, count) if known["state"] == "succeeded" else 0)
    importlib.import_module("specflow.attempt.tell").tell((records.line_of(known) + "\n").encode())
    if known["state"] == "failed" and settled.options.halt:
        with open(settled.options.halt, "w", encoding="utf-8") as stream:
            stream.write(settled.id)
    return 1 if known["state"] in ("failed", "cancelled") else 0


def _ended(settled: Any, ended: str, count: int, outcomes: Any) -> dict[str, Any]:
    """Return the record of a step by the platform's word for how it ended, in whatever case that is."""
    result = ended.lower()
    if result != "success":
        late = settled.note["timeout_s"]
        told = {"timedout": f"timeout after {late} s", "canceled": "cancelled"}
        reason = told.get(result, f"the platform says: {result}")
        return _record(settled, outcomes.Outcome("cancelled" if result == "canceled" else "failed", reason), count)
    places = _places(settled, count)
    collected = importlib.import_module("specflow.attempt.collect").collect(settled.step, places)
    if collected.problems:
        return _record(settled, outcomes.Outcome("failed", "; ".join(collected.problems)), count)
    names = importlib.import_module("specflow.attempt.prepare")
    types = importlib.import_module("specflow.attempt.values").PATH_TYPES
    left = {}
    for port, facts in settled.step["outputs"].items():
        if port not in collected.absent and facts["type"] in types:
            name = names.output_name(port, facts)
            left[port] = {"name": name, "path": f"outputs-{_number(settled, count)}/{name}"}
    more = {"values": collected.values, "metrics": collected.metrics, "outputs": left}
    return _record(settled, outcomes.Outcome("succeeded"), count, **more)


def _brief(note: str, options: list[str]) -> Any:
    """Return what is known of a step before it runs."""
    launch = importlib.import_module("specflow.attempt.launch")
    known = [
        option for option in options if start.name_of(option) not in ("ended", "attempt", "repair", "bind", "date")
    ]
    parsed = launch.parser().parse_args([note, "--target=databricks", *known])
    with open(note, encoding="utf-8") as stream:
        document = json.load(stream)
    brief = importlib.import_module("specflow.attempt.brief")
    return brief.Brief(document, parsed, tempfile.mkdtemp(prefix="specflow-"))


def _places(settled: Any, count: int) -> dict[str, str]:
    names = importlib.import_module("specflow.attempt.prepare")
    home = os.path.join(settled.places.home, f"outputs-{_number(settled, count)}")
    return {port: os.path.join(home, names.output_name(port, facts)) for port, facts in settled.step["outputs"].items()}


def _number(settled: Any, count: int) -> int:
    """Return which place an attempt writes to: a notebook is told one of its own, all of a native step share one."""
    return count if "notebook" in settled.step else 1


def _forget(settled: Any) -> None:
    """Take away what is left of a step from before its run was repaired."""
    home, record = settled.places.home, settled.places.record
    if os.path.exists(record):
        os.remove(record)
    for name in os.listdir(home) if os.path.isdir(home) else ():
        if name.startswith("outputs-"):
            shutil.rmtree(os.path.join(home, name))


def _make_places(settled: Any, options: list[str], kept: int = 0) -> None:
    """Make empty what attempts write to, but for the one that is kept: for this run, and for the next repair of it.

    The platform counts on through repairs, and a repair that is asked for in the portal does not decide anew.
    """
    rounds = int(start.value_of(options, "repair", "0")) + 2
    for count in range(1, _number(settled, settled.note["retry"]["attempts"] * rounds) + 1):
        places = _places(settled, count) if count != kept else {}
        for folder in {os.path.dirname(place) for place in places.values()}:
            if os.path.isdir(folder):
                shutil.rmtree(folder)
            os.makedirs(folder)
        for port, place in places.items():
            if settled.step["outputs"][port]["type"] in FOLDERS:
                os.mkdir(place)


def _record(settled: Any, outcome: Any, count: int, **more: Any) -> dict[str, Any]:
    records = importlib.import_module("specflow.attempt.records")
    record = {**settled.begun(outcome), "attempts": count, **more}
    os.makedirs(settled.places.home, exist_ok=True)
    records.write_record(record, settled.places.record)
    return record


def _text(value: object) -> str:
    evaluate = importlib.import_module("specflow.attempt.evaluate")
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, list) else str(evaluate.text_of(value))
