"""Pipelines inside pipelines: each gate on the way in, from a file to what its steps come to."""

from pathlib import Path
from textwrap import dedent

import pytest

from specflow.attempt.outcomes import Outcome
from specflow.graph.outcomes import Fate, settle, terms_of
from specflow.spec.load import Loader
from specflow.stages import validate

INNER = """
specflow: 1
name: inner
inputs: {table: {type: file}, limit: {type: number, optional: true}}
steps:
  first:
    run: [sh, "$[[${{ inputs.limit }}]]", "${{ outputs.o }}"]
    outputs: {o: {type: file, optional: true}}
  reader:
    run: [sh, "${{ inputs.table }}"]
  second:
    after: [first]
    run: [sh]
  saver:
    after: [first]
    when: ${{ failure() }}
    run: [sh]
  always:
    after: [first]
    when: ${{ always() }}
    run: [sh]
outputs:
  o: {from: "${{ steps.first.outputs.o }}"}
"""

#  before ── call: first ──┬── second          after: waits for the call
#                  reader  ├── saver           behind: reads the call's output
#                          └── always          other: waits for nothing
OUTER = """
specflow: 1
name: p
inputs: {switch: {type: boolean, default: true}}
steps:
  before:
    run: [sh, "${{ outputs.table }}", "${{ outputs.limit }}"]
    outputs: {table: {type: file, optional: true}, limit: {type: number, optional: true}}
  call:
    uses: inner.yaml
    inputs: {table: "${{ steps.before.outputs.table }}", limit: "${{ steps.before.outputs.limit }}"}
    when: WHEN
  after:
    after: [call]
    run: [sh]
  behind:
    run: [sh, "$[[${{ steps.call.outputs.o }}]]"]
  other:
    run: [sh]
"""

FAILED = Fate(Outcome("failed", "exit code 1"))
LEFT_ALL = Fate(outputs={"table": "path", "limit": 1.5, "o": "path"})
RUNS, UPSTREAM, FALSE, ABSENT = "", "upstream failed", "condition false", "input absent"


def ends(folder: Path, when: str, fates: dict[str, Fate], outer: str = OUTER) -> dict[str, str]:
    """Return why each step did not run; an empty text where it did."""
    (folder / "inner.yaml").write_text(INNER)
    (folder / "p.yaml").write_text(dedent(outer).replace("WHEN", when))
    checked = validate(folder / "p.yaml", Loader(folder))
    assert checked.graph is not None, checked.diagnostics
    steps = {name: terms_of(node) for name, node in checked.graph.nodes.items()}
    found = settle(steps, {name: fates.get(name, LEFT_ALL) for name in steps}, {"switch": False})
    return {name: end.reason if end.state == "skipped" else "" for name, end in found.items()}


ALWAYS, DEFAULT = "${{ always() }}", "${{ success() }}"
NOTHING_BEFORE = {"before": Fate()}
INSIDE = ("first", "reader", "second", "saver", "always")

# when, fates, what first, reader, second, saver and always inside come to, then after, behind and other.
CASES = {
    "all well": (DEFAULT, {}, (RUNS, RUNS, RUNS, FALSE, RUNS), (RUNS, RUNS)),
    "a failure before": (DEFAULT, {"before": FAILED}, (UPSTREAM,) * 5, (UPSTREAM, UPSTREAM)),
    "a false condition": ("${{ inputs.switch }}", {}, (FALSE,) * 5, (RUNS, RUNS)),
    "failure() and none": ("${{ failure() }}", {}, (FALSE,) * 5, (RUNS, RUNS)),
    "always, its input lost to a failure": (ALWAYS, {"before": FAILED}, (UPSTREAM,) * 5, (UPSTREAM, UPSTREAM)),
    "its input left out": (DEFAULT, NOTHING_BEFORE, (ABSENT,) * 5, (RUNS, RUNS)),
    "its optional input left out": (
        DEFAULT,
        {"before": Fate(outputs={"table": "path"})},
        (RUNS, RUNS, RUNS, FALSE, RUNS),
        (RUNS, RUNS),
    ),
    "a failure inside": (
        DEFAULT,
        {"call__first": FAILED},
        (RUNS, RUNS, UPSTREAM, RUNS, RUNS),
        (UPSTREAM, UPSTREAM),
    ),
    "a failure inside, beside what is read": (
        DEFAULT,
        {"call__reader": FAILED},
        (RUNS, RUNS, RUNS, FALSE, RUNS),
        (UPSTREAM, RUNS),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_gate_lets_all_steps_inside_through_or_none(name: str, tmp_path: Path) -> None:
    when, fates, inside, (after, behind) = CASES[name]
    expected = {f"call__{step}": end for step, end in zip(INSIDE, inside, strict=True)}
    expected |= {"before": RUNS, "after": after, "behind": behind, "other": RUNS}

    assert expected == ends(tmp_path, when, fates)


NO_INPUT = OUTER.replace('"${{ steps.before.outputs.table }}"', "data.csv")


def test_steps_inside_do_not_see_a_failure_outside(tmp_path: Path) -> None:
    (tmp_path / "data.csv").touch()
    found = ends(tmp_path, ALWAYS, {"before": FAILED}, NO_INPUT)
    inside = {step: found[f"call__{step}"] for step in INSIDE}

    assert {"first": RUNS, "reader": RUNS, "second": RUNS, "saver": FALSE, "always": RUNS} == inside
    assert UPSTREAM == found["after"]


TWICE = """
specflow: 1
name: p
steps:
  before:
    run: [sh, "${{ outputs.table }}"]
    outputs: {table: {type: file, optional: true}}
  outer:
    uses: outer.yaml
    inputs: {table: "${{ steps.before.outputs.table }}"}
    when: ${{ always() }}
"""
MIDDLE = """
specflow: 1
name: outer
inputs: {table: {type: file, optional: true}}
steps:
  ahead: {run: [sh]}
  call:
    uses: inner.yaml
    after: [ahead]
    inputs: {table: "${{ inputs.table }}"}
    when: WHEN
"""


@pytest.mark.parametrize(
    ("when", "fates", "reason"),
    [
        (ALWAYS, {}, RUNS),
        (ALWAYS, {"before": FAILED}, UPSTREAM),
        (ALWAYS, {"before": Fate()}, ABSENT),
        (DEFAULT, {"outer__ahead": FAILED}, UPSTREAM),
        (ALWAYS, {"outer__ahead": FAILED}, RUNS),
        ("${{ failure() }}", {"outer__ahead": FAILED}, RUNS),
        ("${{ failure() }}", {"before": FAILED}, FALSE),
    ],
)
def test_the_first_gate_that_is_shut_gives_the_reason(
    when: str, fates: dict[str, Fate], reason: str, tmp_path: Path
) -> None:
    (tmp_path / "outer.yaml").write_text(MIDDLE.replace("WHEN", when))
    found = ends(tmp_path, when, fates, TWICE)

    assert reason == found["outer__call__first"]
    assert reason == found["outer__call__always"]


MATRIX = """
specflow: 1
name: p
steps:
  call:
    uses: inner.yaml
    matrix: {size: [1, 2]}
    inputs: {table: data.csv, limit: "${{ matrix.size }}"}
    when: WHEN
  all:
    run: [sh, "$[[${{ steps.call.outputs.o }}]]"]
    when: ${{ always() }}
"""


def test_instances_of_a_call_do_not_see_each_other(tmp_path: Path) -> None:
    (tmp_path / "data.csv").touch()
    found = ends(tmp_path, DEFAULT, {"call__0__first": FAILED}, MATRIX)

    assert {"call__0__second": UPSTREAM, "call__0__saver": RUNS, "call__1__second": RUNS, "call__1__saver": FALSE} == {
        f"call__{i}__{step}": found[f"call__{i}__{step}"] for i in (0, 1) for step in ("second", "saver")
    }
    assert RUNS == found["all"]
