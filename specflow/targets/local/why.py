"""Why a step ran: which parts of its key differ from those of its latest earlier result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from specflow.history import History, ResultRow, StepRow

__all__ = ["code_files", "differences", "explain", "explain_step"]

_WORDS = {
    "command": "the command",
    "notebook": "the notebook",
    "engine": "the engine",
    "outputs": "the declared outputs",
    "env": "the environment variables",
    "secrets": "the names of secrets",
    "environment": "the environment",
    "run": "the run",
}


def explain_step(history: History, run: str, label: str) -> list[str]:
    """Return lines that say why a step of a run ran, or that it did not have to."""
    step = next((row for row in history.steps(run) if row.label == label), None)
    if step is None:
        return [f"{label} has not ended in run {run}"]
    return explain(history, step, history.plan_of)


def explain(history: History, step: StepRow, plan_of: Callable[[str], Mapping[str, Any]]) -> list[str]:
    """Return lines that say why a step that has ended ran, or did not; `plan_of` gives a run's plan document."""
    label = step.label
    if step.result is None:
        return [f"{label} {step.state}: {step.reason}"]
    row = history.result_at(step.result)
    if step.state == "cached":
        made = f", made in run {row.run}" if row is not None else ""
        return [f"{label} did not run: everything its result depends on was the same{made}"]
    if row is None:
        return [f"{label} ran; what its result depended on has been cleaned away since"]
    if history.was_damaged(row.key):
        return [f"{label} ran: its result in the cache was damaged, and had to be made again"]
    pipeline_step = row.step
    earlier = next((r for r in history.earlier_results(pipeline_step) if r.created < row.created), None)
    if earlier is None:
        return [f"{label} ran: there was no earlier result of it"]
    is_same_code = earlier.parts["code"] == row.parts["code"]
    code = ({}, {}) if is_same_code else (_code_files(plan_of, earlier), _code_files(plan_of, row))
    found = list(differences(earlier, row, *code))
    if not found:
        why = "it was forced, must run every time, or its result was damaged"
        return [f"{label} ran although nothing it depends on had changed: {why}"]
    return [f"{label} ran because of what changed since run {earlier.run}:", *(f"  {line}" for line in found)]


def code_files(history: History, row: ResultRow) -> Mapping[str, str]:
    """Return the files of the code that a result was made with, by path; empty if its run is gone."""
    return _code_files(history.plan_of, row)


def _code_files(plan_of: Callable[[str], Mapping[str, Any]], row: ResultRow) -> Mapping[str, str]:
    try:
        plan = plan_of(row.run)
    except LookupError:
        return {}
    found: Mapping[str, str] = plan["code"].get(row.parts["code"], {})
    return found


def differences(
    before: ResultRow, after: ResultRow, code_before: Mapping[str, str], code_after: Mapping[str, str]
) -> Iterator[str]:
    """Yield a line for each part of a key that differs, down to the file, the port and the version."""
    old, new = before.parts, after.parts
    for part in sorted({*old, *new} - {"inputs", "environment", "code"}):
        if old.get(part) != new.get(part):
            yield f"{_WORDS.get(part, part)} changed"
    if old["code"] != new["code"]:
        yield from _changed_files(code_before, code_after)
    yield from _mapping("environment", old.get("environment", {}), new.get("environment", {}))
    yield from _inputs(old.get("inputs", {}), new.get("inputs", {}))


def _changed_files(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    if not before or not after:
        yield "the code changed"
    for name in sorted({*before, *after} if before and after else ()):
        if before.get(name) != after.get(name):
            verb = "added" if name not in before else "removed" if name not in after else "changed"
            yield f"the code: {name} was {verb}"


def _mapping(what: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield f"{_WORDS[what]}: {name} was {old.get(name, 'not there')}, is {new.get(name, 'not there')}"


def _inputs(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for port in sorted({*old, *new}):
        before, after = old.get(port), new.get(port)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            yield f'the input "{port}": the content of {after["name"]} changed'
        elif isinstance(before, list) and isinstance(after, list):
            yield f'the input "{port}": {_changed_elements(before, after)}'
        else:
            yield f'the input "{port}" was {_shown(before)}, is {_shown(after)}'


def _changed_elements(before: list[Any], after: list[Any]) -> str:
    if len(before) != len(after):
        return f"it had {len(before)} elements, and has {len(after)}"
    places = [str(i + 1) for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    return f"element {', '.join(places)} changed" if len(places) < 6 else f"{len(places)} elements changed"


def _shown(value: Any) -> str:
    from specflow.attempt.evaluate import text_of

    if value is None:
        return "absent"
    if isinstance(value, dict):
        return str(value.get("name"))
    return f'"{value}"' if isinstance(value, str) else text_of(value)
