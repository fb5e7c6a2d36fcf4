"""A part of a pipeline: which steps run, and whose results they need from earlier runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from specflow.attempt.evaluate import children
from specflow.attempt.outcomes import CONDITION_FALSE
from specflow.errors import UsageError
from specflow.history import History, RunRow
from specflow.plan import Plan

__all__ = ["NOT_SELECTED", "TAKEN_IS_GONE", "Selection", "select"]

NOT_SELECTED = "not selected"
"""Why a step did not run that is outside the part of the pipeline that runs."""
TAKEN_IS_GONE = "its earlier result, which others need, was damaged or is gone; run it again"
"""Why such a step failed."""


MOST_RUNS = 1000
"""Runs that are looked through, latest first."""


class Selection(NamedTuple):
    """The ids of the steps that run, and by id the homes of the results that they need from steps that don't.

    `runs` says in which run a needed step ended as it is taken: with a result, or skipped and so without one.
    """

    steps: frozenset[str]
    taken: Mapping[str, str]
    runs: Mapping[str, RunRow] = {}


def select(plan: Plan, only: Iterable[str], start: Iterable[str], history: History) -> Selection:
    """Return what `--only` and `--from` mean; raise UsageError for unknown steps, and for results that aren't there.

    A step is named by its label, or by its name for all instances of its matrix.
    """
    steps = {step["id"]: step for step in plan.document["steps"]}
    if plan.document["islands"]:
        island = plan.document["islands"][0]
        message = f'a part can be run of a pipeline on this machine, and "{island["name"]}" runs on {island["target"]}'
        raise UsageError(message, "leave out --only and --from, or run all of it here: --target local")
    chosen = _named(steps, only)
    chosen |= _with_all_behind(steps, _named(steps, start))
    needed = {name for step in chosen for name in _read_by(steps[step])} - chosen
    ends = _latest_ends({steps[name]["label"] for name in needed}, plan.name, history)
    taken, runs = {}, {}
    for name in (name for name in steps if name in needed):
        label = steps[name]["label"]
        if label not in ends:
            message = f'"{label}" is needed, and no earlier run has a result of it'
            raise UsageError(message, f"run it first, or with --from {label}")
        runs[name], home = ends[label]
        if home is not None:
            taken[name] = home
    return Selection(frozenset(chosen), taken, runs)


def _latest_ends(labels: set[str], pipeline: str, history: History) -> dict[str, tuple[RunRow, str | None]]:
    """Return by label the latest run in which a step ended well, and where its result lies; None if it was skipped."""
    found: dict[str, tuple[RunRow, str | None]] = {}
    for run in history.runs(MOST_RUNS):
        if run.pipeline != pipeline:
            continue
        for step in history.steps(run.id):
            is_there = step.result is not None or (step.state == "skipped" and step.reason == CONDITION_FALSE)
            if step.label in labels and is_there:
                found.setdefault(step.label, (run, step.result))
        if labels <= found.keys():
            break
    return found


def _named(steps: Mapping[str, Any], labels: Iterable[str]) -> set[str]:
    from specflow.spec.types import nearest

    found: set[str] = set()
    for label in labels:
        ids = {name for name, step in steps.items() if label in (step["label"], step["path"])}
        if not ids:
            known = {text for step in steps.values() for text in (step["label"], step["path"])}
            raise UsageError(f'there is no step "{label}"', nearest(label, known))
        found |= ids
    return found


def _with_all_behind(steps: Mapping[str, Any], first: set[str]) -> set[str]:
    found = set(first)
    for name, step in steps.items():  # in an order in which each comes after what it needs
        if found & set(step["needs"]):
            found.add(name)
    return found


def _read_by(step: Mapping[str, Any]) -> Iterator[str]:
    """Yield the steps whose outputs a step reads: in its inputs, and in its conditions."""
    stack = list(step["bindings"].values())
    for condition in step["conditions"]:
        stack += [tree for tree in (condition["when"], *condition["requires"]) if tree is not None]
    while stack:
        tree = stack.pop()
        if tree[0] == "output":
            yield tree[1]
        stack.extend(children(tree))
