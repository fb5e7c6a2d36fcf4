"""What a launch knows before it does anything: its step, its run, records of what it needs, values of its ports."""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from specflow.attempt.codec import decode
from specflow.attempt.digests import digest_and_size
from specflow.attempt.evaluate import evaluate
from specflow.attempt.outcomes import FAIL_FAST, Outcome
from specflow.attempt.prepare import PrepareError
from specflow.attempt.publish import Places
from specflow.attempt.records import Records, read_record
from specflow.attempt.relay import relayed
from specflow.attempt.settle import settle
from specflow.attempt.values import PATH_TYPES, parse_text, value_problem

__all__ = ["RUN_ID", "Brief", "run_id_of"]

RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")
"""What a run id of specflow looks like; a job's name may begin with one."""


def run_id_of(text: str) -> str:
    """Return the run id that a text begins with, or the text itself: a run that a platform started by itself."""
    found = RUN_ID.match(text)
    return found.group() if found else text


class Brief:
    """A step's note, read with the options of one launch of it."""

    def __init__(self, note: Mapping[str, Any], options: argparse.Namespace, temporary: str) -> None:
        """Read the records that the options name; links to inputs under their own names go below `temporary`."""
        self.note, self.options, self.temporary = note, options, temporary
        self.id, self.label = options.id or note["id"], decode(options.label) or note["label"]
        self.step = {**note["attempt"], "step": self.label}
        self.paths = dict(options.path)
        self.places = Places(self.id, options.root, dict(options.output), options.record)
        self.run = self._facts()
        self.sources = self._sources()
        self.records = Records({need: read_record(path) for need, path in self.sources.items()})
        self.checked: set[str] = set()
        self.inputs: dict[str, Any] = {}

    def begun(self, outcome: Outcome) -> dict[str, Any]:
        """Return the record of a step that has begun."""
        return self.records.begun(self.id, self.label, outcome, list(self.note["needs"]))

    def _sources(self) -> dict[str, str]:
        """Return where the record of each step lies that this one names; of one elsewhere, in what its bridge left."""
        given, through = dict(getattr(self.options, "from")), self.note.get("through", {})
        found = {need: self.places.record_of(need, given) for need in self.note["needs"] if need not in through}
        homes = {bridge: relayed(bridge, self.paths, self.places, given) for bridge in set(through.values())}
        return found | {step: os.path.join(homes[bridge], step) for step, bridge in through.items()}

    def _facts(self) -> dict[str, Any]:
        run = run_id_of(decode(self.options.run) or "")
        date = self.options.date or time.strftime("%Y-%m-%d", time.gmtime())
        if not self.options.date and RUN_ID.match(run):
            date = f"{run[:4]}-{run[4:6]}-{run[6:8]}"
        return {"id": run, "date": date, "pipeline": self.note["pipeline"], "target": self.options.target}

    def _read_inputs(self) -> None:
        """Take the pipeline's inputs that the step reads; the platform may have let anybody type them."""
        given = _by_name(self.options.input)
        if self.options.inputs:
            with open(self.options.inputs, encoding="utf-8") as stream:
                self.inputs.update(json.load(stream))
        for name, facts in self.note["inputs"].items():
            texts = [text for item in given.get(name, ()) if (text := decode(item)) is not None]
            value = _given(texts, facts) if texts else self.inputs.get(name)
            if value is None and facts["default"] is not None:
                value = evaluate(facts["default"], self._look_up)
            if value is None and not facts["optional"]:
                raise PrepareError(f'the pipeline\'s input "{name}" needs a value, and has been given none')
            problem = None if value is None else value_problem(value, facts)
            if problem is not None:
                raise PrepareError(f'the pipeline\'s input "{name}": {problem[1]}')
            self.inputs[name] = value

    def _look_up(self, leaf: list[Any]) -> Any:
        head, name = leaf[0], leaf[1]
        if head == "input":
            return self.inputs.get(name)
        if head == "run":
            return self.run[name]
        if head == "data":
            places = dict(self.options.data)
            if name not in places:
                raise PrepareError(f'nothing says where the data "{name}" is')
            return places[name]
        return self._output(name, leaf[2])

    def _output(self, step: str, port: str) -> Any:
        record = self.records.records[step]
        if record is None or record["state"] not in ("succeeded", "cached"):
            return None
        if port in record["values"]:
            return record["values"][port]
        left = record["outputs"].get(port)
        if left is None:
            return None
        path = self.paths.get(f"{step}.{port}")
        if path is None and self.options.store and step in self.note.get("through", ()):
            path = os.path.join(self.options.store, left["stored"])
        if path is None:
            path = self.places.output_of(self.sources[step], left["path"])
        if left.get("check"):
            self._check(path, left, f"{step}.{port}")
        return self._named(path, left["name"], f"{step}.{port}")

    def _check(self, path: str, left: Mapping[str, Any], key: str) -> None:
        """Raise unless an output that came from another platform is what its maker had recorded."""
        if "://" in path or key in self.checked:
            return
        if not os.path.exists(path):
            raise PrepareError(f'the output "{key}" has not arrived: there is nothing at "{path}"')
        sha256, _ = digest_and_size(path)
        if sha256 != left["sha256"]:
            raise PrepareError(f'the output "{key}" is not what it was: its SHA-256 is {sha256}, not {left["sha256"]}')
        self.checked.add(key)

    def _named(self, path: str, name: str, key: str) -> str:
        """Return a path that ends in the name which the step that made it gave it: a mount may have another."""
        if "://" in path or os.path.basename(path.rstrip("/")) == name:
            return path
        link = os.path.join(self.temporary, "seen", key, name)
        if not os.path.lexists(link):
            os.makedirs(os.path.dirname(link), exist_ok=True)
            os.symlink(os.path.abspath(path), link)
        return link

    def values(self) -> Outcome | dict[str, Any]:
        """Return the values of the step's ports, or how it ends without running; raise for values that can't be."""
        if self.options.halt and os.path.exists(self.options.halt):
            return Outcome("skipped", FAIL_FAST)
        self._read_inputs()
        direct = {}
        for port, text in dict(self.options.value).items():
            decoded = decode(text)
            facts = self.step["inputs"][port]
            direct[port] = ["value", None if decoded is None else _typed(decoded, facts["type"])]
        spec = {**self.note, "attempt": self.step, "bindings": {**self.note["bindings"], **direct}}
        return settle(spec, self._look_up, self.records.outcomes, self.records.behind)


def _by_name(given: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Return all texts of each name: an input that takes a list is given item by item."""
    found: dict[str, list[str]] = {}
    for name, text in given:
        found.setdefault(name, []).append(text)
    return found


def _given(texts: Sequence[str], facts: Mapping[str, Any]) -> Any:
    """Return an input of the pipeline by its texts: the last one; of a list one for each item, or one as JSON."""
    if not texts:
        return None
    if not facts.get("many"):
        return _typed(texts[-1], facts["type"])
    if len(texts) == 1 and texts[0].startswith("["):
        return json.loads(texts[0])
    return [_typed(text, facts["type"]) for text in texts]


def _typed(text: str, kind: str) -> Any:
    """Return a value by its text; platforms write booleans and numbers in their own ways."""
    if kind in PATH_TYPES:
        return text
    if kind == "boolean":
        return parse_text(text.lower(), kind)
    return parse_text(text, kind)
