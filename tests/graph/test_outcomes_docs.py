"""The tables of docs/outcomes.md, read as data and held against the code; the exhaustive test plays graphs by them."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from specflow.attempt import outcomes
from specflow.attempt.evaluate import evaluate
from specflow.attempt.outcomes import Outcome, run_state
from specflow.graph.model import Condition
from specflow.graph.outcomes import Fate, Terms, settle
from specflow.graph.trees import tree_of, with_default
from specflow.spec.expressions import parse_template

PAGE = Path(__file__).parents[2] / "docs" / "outcomes.md"
ABSENT = "null"
VALUES = {"true": True, "false": False, ABSENT: None}
RUNS = "runs"


@cache
def table(first_heading: str) -> tuple[tuple[str, ...], ...]:
    """Return the rows of the table whose first column has this heading, without marks of code."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.replace("`", "").startswith(f"| {first_heading} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        cells = re.split(r"(?<!\\)\|", line)[1:-1]
        rows.append(tuple(cell.replace("\\|", "|").replace("`", "").strip() for cell in cells))
    return tuple(rows)


def when_rows() -> dict[tuple[str, str], tuple[str, str, str]]:
    """Return what the page says of each condition and value of `v`: all well, an ancestor failed, one was cancelled."""
    rows = {}
    for when, value, *ends in table("when"):
        for each in value.split(" or "):
            rows[when, each] = (ends[0], ends[1], ends[2])
    return rows


def tree(when: str, v: Any) -> list[Any] | None:
    """Return the tree of a condition of the page; `v` is a tree."""
    if when == "none":
        return None
    whole = parse_template(f"${{{{ {when} }}}}").whole
    assert whole is not None
    return tree_of(whole, lambda reference: v)


def shown(outcome: Outcome) -> str:
    """Return an outcome as the page writes it in a cell."""
    return outcome.reason if outcome.state in ("skipped", "cancelled") else RUNS


SUCCEEDED, FAILED, CANCELLED = Outcome("succeeded"), Outcome("failed", "exit code 1"), Outcome("cancelled", "cancelled")


@pytest.mark.parametrize("column", range(3), ids=["all well", "an ancestor failed", "an ancestor was cancelled"])
@pytest.mark.parametrize(("when", "value"), when_rows())
@pytest.mark.parametrize("distance", [1, 2])
def test_a_condition_means_what_the_page_says(when: str, value: str, column: int, distance: int) -> None:
    #  far ── near ── asked
    ends = [SUCCEEDED, FAILED, CANCELLED]
    condition = tree(when, ["input", "v"])
    steps = {
        "far": Terms(),
        "near": Terms(("far",), (Condition(["status", "always"], ("far",)),)),
        "asked": Terms(("near",), (Condition(condition, ("near",)),)),
    }
    fates = {"far": Fate(), "near": Fate(), "asked": Fate()}
    fates["near" if distance == 1 else "far"] = Fate(ends[column])

    assert when_rows()[when, value][column] == shown(settle(steps, fates, {"v": VALUES.get(value)})["asked"])


ENDS = {
    "ran, and its last attempt succeeded": SUCCEEDED,
    "did not run: an earlier result was taken": Outcome("cached"),
    "ran, and its last attempt failed": FAILED,
    "has a condition or an input without a value, such as 1 / 0": Outcome("failed", "an input has no value"),
    "did not run: its when asks for success(), which did not hold": Outcome("skipped", "upstream failed"),
    "did not run: a failure left a required input null": Outcome("skipped", "upstream failed"),
    "did not run: something else left a required input null": Outcome("skipped", "input absent"),
    "did not run: its own when is false or null": Outcome("skipped", "condition false"),
    "did not run: fail_fast, and another step had failed": Outcome("skipped", "fail fast"),
    "was cancelled": CANCELLED,
}


def test_the_page_lists_every_end_of_a_step() -> None:
    rows = table("the step")
    said = {row[0]: (row[1], "" if row[2] == "what went wrong" else row[2]) for row in rows}
    expected = {name: (end.state, "" if end.state == "failed" else end.reason) for name, end in ENDS.items()}

    assert expected == said


@pytest.mark.parametrize("row", table("the step"), ids=lambda row: row[0])
def test_an_end_is_seen_as_the_page_says(row: tuple[str, ...]) -> None:
    outcome, outputs, seen_by = ENDS[row[0]], row[3], row[4]
    steps = {"step": Terms()}
    for name in ("success", "failure"):
        steps[name] = Terms(("step",), (Condition(["status", name], ("step",)),))
    ends = settle(steps, dict.fromkeys(steps, Fate()) | {"step": Fate(outcome)})
    seers = [f"{name}()" for name in ("success", "failure") if ends[name].is_good]

    assert (outputs == "are there") == outcome.is_good
    assert ([] if seen_by == "neither" else [seen_by]) == seers


LIST = ["list", ["input", "a"], ["input", "b"]]
GIVEN: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "a value": (["input", "a"], {"a": 1}),
    "null": (["input", "a"], {}),
    "a list, some elements null": (LIST, {"b": 2}),
    "a list, all elements null, or none": (LIST, {}),
}
CELLS = {
    "the value": lambda value, outcome: (value, outcome.is_good) == (1, True),
    "the default": lambda value, outcome: (value, outcome.is_good) == (9, True),
    "null": lambda value, outcome: (value, outcome.is_good) == (None, True),
    "the others": lambda value, outcome: (value, outcome.is_good) == ([2], True),
    "an empty list": lambda value, outcome: (value, outcome.is_good) == ([], True),
    "an empty list, and the step is skipped": lambda value, outcome: value == [] and outcome.state == "skipped",
    "the step is skipped": lambda value, outcome: outcome == Outcome("skipped", "input absent"),
}


@pytest.mark.parametrize("row", table("given"), ids=lambda row: row[0])
@pytest.mark.parametrize("kind", ["default", "optional", "required"])
def test_a_port_makes_of_absence_what_the_page_says(row: tuple[str, ...], kind: str) -> None:
    given, inputs = GIVEN[row[0]]
    binding = with_default(given, ["value", 9] if kind == "default" else None)
    terms = Terms(ports={"port": binding}, optional=frozenset({"port"} if kind == "optional" else ()))
    value = evaluate(binding, lambda leaf: inputs.get(leaf[1]))
    outcome = settle({"step": terms}, {"step": Fate()}, inputs)["step"]

    assert CELLS[row[("default", "optional", "required").index(kind) + 1]](value, outcome)


OUTPUT = ["output", "source", "o"]
SKIPPED = Terms((), (Condition(["value", False], ()),))
UNFED = Terms(ports={"p": ["input", "unset"]})
FEEDERS: dict[str, tuple[Terms, Fate, list[Any]]] = {
    "a step that failure() sees, if only as one of several": (
        Terms(),
        Fate(FAILED),
        ["list", ["output", "other", "o"], OUTPUT],
    ),
    "a step that succeeded and left out its optional output": (Terms(), Fate(), OUTPUT),
    "a step that was skipped by its own when": (SKIPPED, Fate(), OUTPUT),
    "a step that was skipped for an absent input": (UNFED, Fate(), OUTPUT),
    "a step that was cancelled": (Terms(), Fate(CANCELLED), OUTPUT),
    "an input of the pipeline that is optional and not set": (Terms(), Fate(), ["input", "unset"]),
}


def test_an_absent_input_says_who_left_it() -> None:
    found = {}
    for name, (source, fate, port) in FEEDERS.items():
        needs = ("other", "source")
        reader = Terms(needs, (Condition(["status", "always"], needs),), {"p": port})
        ends = settle(
            {"other": Terms(), "source": source, "reader": reader}, {"other": Fate(), "source": fate, "reader": Fate()}
        )
        found[name] = ends["reader"].reason

    assert dict(table("the port is fed by")) == found


RUNS_THAT_END: dict[str, tuple[list[Outcome], list[str], bool]] = {
    "the user cancelled it": ([FAILED, CANCELLED], ["o"], True),
    "a step failed, whatever was done about it by when": ([FAILED, CANCELLED, SUCCEEDED], [], False),
    "no step failed, a step was cancelled on its platform": ([SUCCEEDED, CANCELLED], ["o"], False),
    "neither, and a required output of the pipeline is absent": ([SUCCEEDED], ["o"], False),
    "none of these": ([SUCCEEDED, Outcome("cached"), Outcome("skipped", "condition false")], [], False),
}


def test_a_run_ends_as_the_page_says() -> None:
    expected = dict(table("what happened"))
    found = {
        name: run_state({str(i): end for i, end in enumerate(ends)}, absent, was_cancelled=cancelled)
        for name, (ends, absent, cancelled) in RUNS_THAT_END.items()
    }

    assert expected == found


def test_the_modules_own_table_names_the_same_states_and_reasons() -> None:
    rows = re.findall(r"^\| (?!a step)[^|]+\|([^|]+)\|([^|]*)\|([^|]+)\|$", outcomes.__doc__ or "", re.MULTILINE)
    in_module = {tuple(cell.strip() for cell in row) for row in rows}
    counts = {"failure()": "yes", "success()": "no", "neither": "no, and not well"}
    on_page = {
        (row[1], "(what went wrong)" if row[2] == "what went wrong" else row[2], counts[row[4]])
        for row in table("the step")
    }

    assert on_page == in_module
