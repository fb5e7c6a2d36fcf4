"""Two runs side by side: inputs, what each step's result depended on, metrics."""

from __future__ import annotations

from collections.abc import Iterator

from specflow.attempt.evaluate import text_of
from specflow.history import History, RunRow, StepRow
from specflow.targets.local.why import code_files, differences

__all__ = ["compare_runs"]


def compare_runs(history: History, before: RunRow, after: RunRow) -> Iterator[str]:
    """Yield lines on what differs between two runs."""
    yield f"{before.pipeline} {before.id} ({before.state})  →  {after.pipeline} {after.id} ({after.state})"
    yield from _inputs(before, after)
    old = {step.label: step for step in history.steps(before.id)}
    new = {step.label: step for step in history.steps(after.id)}
    for label in dict.fromkeys((*old, *new)):
        yield from _step(history, label, old.get(label), new.get(label))


def _inputs(before: RunRow, after: RunRow) -> Iterator[str]:
    for name in sorted({*before.inputs, *after.inputs}):
        old, new = before.inputs.get(name), after.inputs.get(name)
        if old != new:
            yield f"  input {name}: {_text(old)} → {_text(new)}"


def _step(history: History, label: str, old: StepRow | None, new: StepRow | None) -> Iterator[str]:
    if old is None or new is None:
        yield f"  {label}: only in the {'first' if new is None else 'second'} run"
        return
    lines = []
    if old.state != new.state and {old.state, new.state} != {"succeeded", "cached"}:
        lines.append(f"{old.state} → {new.state}")
    if old.result and new.result and old.result != new.result:
        first, second = history.result_at(old.result), history.result_at(new.result)
        if first is not None and second is not None:
            lines += differences(first, second, code_files(history, first), code_files(history, second))
    lines += _metrics(old, new)
    if lines:
        yield f"  {label}:"
        yield from (f"    {line}" for line in lines)


def _metrics(old: StepRow, new: StepRow) -> list[str]:
    found = []
    for port in sorted({*old.metrics, *new.metrics}):
        first, second = old.metrics.get(port, {}), new.metrics.get(port, {})
        for name in dict.fromkeys((*first, *second)):
            if first.get(name) != second.get(name):
                change = ""
                if name in first and name in second:
                    change = f"  ({second[name] - first[name]:+.6g})"
                found.append(f"{name}: {_number(first.get(name))} → {_number(second.get(name))}{change}")
    return found


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.6g}"


def _text(value: object) -> str:
    return "(default)" if value is None else str(value) if isinstance(value, (str, list)) else text_of(value)
