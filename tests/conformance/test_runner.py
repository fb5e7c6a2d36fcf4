"""The runner tells every difference in a sentence; a suite that could not fail would be worse than none."""

from __future__ import annotations

import sys
import types
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from specflow.conformance import suite
from specflow.conformance.cases import discover, read_case, selected
from specflow.conformance.observed import Given, Observed, ObservedStep
from specflow.conformance.report import junit, line, summary
from specflow.conformance.suite import CaseResult, run_case
from specflow.errors import UsageError
from specflow.plan import Plan
from specflow.spec.source import read_document
from specflow.targets import base
from specflow.targets.base import Capability, approximates, implements, rejects
from specflow.targets.local.capabilities import CAPABILITIES

HERE = Path(__file__).parent

SPEC = """\
specflow: 1
name: demo
tags: {team: materials}
steps:
  a:
    shell: bash
    run: echo said; echo 3 > "$N"; echo text > "$T"; echo in > "$D/f"
    env: {N: "${{ outputs.n }}", T: "${{ outputs.t }}", D: "${{ outputs.d }}"}
    outputs:
      n: {type: integer}
      t: {type: file}
      d: {type: folder}
  b:
    after: [a]
    run: [sh, -c, exit 2]
outputs:
  n: {from: "${{ steps.a.outputs.n }}"}
  t: {from: "${{ steps.a.outputs.t }}"}
  d: {from: "${{ steps.a.outputs.d }}"}
"""

RIGHT = """\
id: group/demo
description: A demonstration.
tags: [after]
plan: {tags: {team: materials}}
run:
  state: failed
  outputs: {n: 3, t: {text: "text\\n"}, d: {files: {f: "in\\n"}}}
  steps: {a: succeeded, b: {state: failed, attempts: 1, reason: exit code 2}}
  order: [[a, b]]
  log: {a: [said]}
"""

# What is changed in the right expectation, and what is told then.
WRONG = [
    (
        "state: failed\n",
        "state: succeeded\n",
        "the run failed, and should be succeeded: a succeeded; b failed exit code 2",
    ),
    ("{n: 3,", "{n: 4,", 'output "n" is 3, and should be 4'),
    ("{n: 3,", "{n: true,", 'output "n" is 3, and should be true'),
    ("{n: 3,", "{n: null,", 'output "n" is 3, and should be null'),
    ("{n: 3,", "{", 'the output "n" was not expected'),
    ("{n: 3,", "{n: 3, m: 4,", 'there is no output "m"; there are n, t, d'),
    ('{text: "text\\n"}', "{text: text}", 'output "t" holds "text\\n", and should hold "text"'),
    ('{text: "text\\n"}', '{matches: "[a-z]*"}', 'output "t" holds "text\\n", and should match [a-z]*'),
    ('{text: "text\\n"}', "{json: {a: 1}}", 'output "t" holds "text\\n", and should hold the JSON {"a": 1}'),
    ('{text: "text\\n"}', "{files: {}}", 'output "t" is not a folder'),
    ('{f: "in\\n"}', '{f: "out\\n"}', 'output "d", file "f" holds "in\\n", and should hold "out\\n"'),
    ('{f: "in\\n"}', "{}", 'output "d" holds a file "f", which was not expected'),
    ("a: succeeded,", "a: failed,", 'step "a" is succeeded, and should be failed'),
    ("a: succeeded,", "", 'the step "a" was not expected'),
    ("attempts: 1", "attempts: 2", 'the attempts of step "b" are 1, and should be 2'),
    ("exit code 2", "exit code 3", 'the reason of step "b" is "exit code 2", and should be "exit code 3"'),
    ("reason: exit code 2", "tells: [three]", 'the reason of step "b" lacks "three": "exit code 2"'),
    ("reason: exit code 2", "hint: [look]", 'the hint of step "b" lacks "look": ""'),
    ("reason: exit code 2", "metrics: {s: {a: 1}}", 'the metrics of step "b" are {}, and should be {"s": {"a": 1}}'),
    ("[[a, b]]", "[[b, a]]", '"b" should end before "a" begins'),
    ("[said]", "[shouted]", 'the log of "a" lacks "shouted": "said\\n"'),
    ("materials", "metals", 'plan.tags.team is "materials", and should be "metals"'),
    ("  log:", '  written: {x: "y"}\n  log:', '"x" in the project is not there, and should be a file'),
    ("  log:", "  registered: {n: x}\n  log:", 'registered is {}, and should be {"n": "x"}'),
    (
        "plan:",
        "diagnostics: [{code: unread-input, severity: warning}]\nplan:",
        "this finding is missing: pipeline.yaml:1:1-1:1: warning: … [unread-input]",
    ),
    ("plan:", "features: {schedule: {line: 1}}\nplan:", 'the case names the feature "schedule", and does not use it'),
]


def written(folder: Path, expect: str, spec: str = SPEC) -> Path:
    """Return the folder of a case that holds these texts."""
    home = folder / "group" / "demo"
    home.mkdir(parents=True)
    (home / "pipeline.yaml").write_text(spec, encoding="utf-8")
    (home / "expect.yaml").write_text(expect, encoding="utf-8")
    return home


def test_a_case_that_is_right_passes(tmp_path: Path) -> None:
    result = run_case(read_case(written(tmp_path, RIGHT)), "local")

    assert ("passed", ()) == (result.verdict, result.told)


@pytest.mark.parametrize(("right", "wrong", "told"), WRONG, ids=[told for _, _, told in WRONG])
def test_a_difference_is_told(tmp_path: Path, right: str, wrong: str, told: str) -> None:
    assert right in RIGHT
    result = run_case(read_case(written(tmp_path, RIGHT.replace(right, wrong, 1))), "local")

    assert ("failed", (told,)) == (result.verdict, tuple(text.removesuffix("; log of b: ") for text in result.told))


def test_a_finding_that_nobody_expected_fails_a_case(tmp_path: Path) -> None:
    spec = SPEC.replace("name: demo", "name: demo\ninputs:\n  x: {type: string, default: y}")

    result = run_case(read_case(written(tmp_path, RIGHT, spec)), "local")

    place = 'pipeline.yaml:4:3-4:4: warning: nothing in the pipeline reads the input "x" [unread-input]'
    assert ("failed", (f"this finding was not expected: {place}",)) == (result.verdict, result.told)


def test_the_folder_of_a_case_is_left_as_it_is(tmp_path: Path) -> None:
    case = read_case(written(tmp_path, RIGHT))
    before = sorted(case.folder.rglob("*"))

    run_case(case, "local")

    assert before == sorted(case.folder.rglob("*"))


# Targets


class Picky:
    """A target that tells what it is made to tell, and runs nothing."""

    name = "picky"

    def __init__(self, capabilities: Mapping[str, Capability], findings: tuple[Any, ...] = ()) -> None:
        self.CAPABILITIES = {**CAPABILITIES, **capabilities}
        self.findings = findings
        self.asked: list[Given] = []

    def check(self, graph: object, nodes: object) -> tuple[Any, ...]:
        return self.findings

    def executor(self, plan: Plan, given: Given) -> Observed:
        self.asked.append(given)
        step = ObservedStep("succeeded", "", 1, 0.1, 0.0, 1.0, "")
        return Observed("failed", "", {"n": 3, "t": None, "d": None}, {"a": step})

    def load(self) -> Picky:
        """Return the target, as its entry point would."""
        return self


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Any:
    def add(target: Picky) -> None:
        module = types.ModuleType("picky_target")
        module.TARGET = target  # type: ignore[attr-defined]  # what an entry point names
        monkeypatch.setitem(sys.modules, "picky_target", module)
        monkeypatch.setattr(base, "installed_targets", lambda: {"picky": "picky_target:TARGET"})
        base.target.cache_clear()

    yield add
    base.target.cache_clear()


AFTER = "features: {after: {line: 14, column: 5, end_line: 14, end_column: 10}}\nplan:"


def test_a_feature_that_a_target_rejects_is_refused_at_its_place(tmp_path: Path, install: Any) -> None:
    target = Picky({"after": rejects("nothing waits here")})
    install(target)

    result = run_case(read_case(written(tmp_path, RIGHT.replace("plan:", AFTER, 1))), "picky")

    assert ("refused", ("picky: nothing waits here",)) == (result.verdict, result.told)
    assert [] == target.asked


def test_a_refusal_at_another_place_is_a_failure(tmp_path: Path, install: Any) -> None:
    install(Picky({"after": rejects("nothing waits here")}))

    result = run_case(read_case(written(tmp_path, RIGHT.replace("plan:", AFTER.replace("14", "13"), 1))), "picky")

    assert "failed" == result.verdict
    assert "this finding is missing: pipeline.yaml:13:5-13:10" in result.told[0]


def test_a_feature_that_a_target_approximates_is_told_and_run(tmp_path: Path, install: Any) -> None:
    target = Picky({"after": approximates("steps wait a little")})
    install(target)

    result = run_case(read_case(written(tmp_path, RIGHT.replace("plan:", AFTER, 1))), "picky")

    assert 1 == len(target.asked)
    assert 'there is no step "b"; there are a' in result.told


def test_a_target_that_only_comes_near_is_held_to_what_comes_of_that(tmp_path: Path, monkeypatch: Any) -> None:
    run = RIGHT.partition("run:\n")[2]
    nearly = "approximated:\n  tags:\n" + "".join(f"  {line}\n" for line in run.splitlines())
    case = read_case(written(tmp_path, RIGHT.replace("{n: 3,", "{n: 4,") + nearly))

    exact = run_case(case, "local")
    monkeypatch.setitem(CAPABILITIES, "tags", approximates("keeps some of them"))
    near = run_case(case, "local")

    assert ("failed", ('output "n" is 3, and should be 4',)) == (exact.verdict, exact.told)
    assert ("passed", ()) == (near.verdict, near.told)


def test_a_target_that_does_not_tell_what_it_declares_fails(tmp_path: Path, monkeypatch: Any, install: Any) -> None:
    install(Picky({"after": rejects("nothing waits here")}))
    monkeypatch.setattr("specflow.stages.capability_findings", lambda *_: ())

    result = run_case(read_case(written(tmp_path, RIGHT)), "picky")

    missing = "pipeline.yaml:14:5-14:10: error: picky: nothing waits here [unsupported]"
    assert ("failed", (f"this finding is missing: {missing}",)) == (result.verdict, result.told)


def test_a_target_refuses_by_the_findings_that_a_case_allows(tmp_path: Path, install: Any) -> None:
    from specflow.diagnostics import Span, error

    install(Picky({"after": implements("waits")}, (error("too-large", "too much", Span("pipeline.yaml", 2, 1, 2, 5)),)))
    allowed = "refused: [{code: too-large, line: 2, end_line: 2, end_column: 5}]\nplan:"

    refused = run_case(read_case(written(tmp_path / "a", RIGHT.replace("plan:", allowed, 1))), "picky")
    failed = run_case(read_case(written(tmp_path / "b", RIGHT)), "picky")

    assert ("refused", ("too much",)) == (refused.verdict, refused.told)
    assert "failed" == failed.verdict


def test_without_an_executor_of_its_own_a_target_is_run_from_here(monkeypatch: pytest.MonkeyPatch) -> None:
    from specflow.conformance.local import run_here
    from specflow.targets.local.target import TARGET

    assert run_here is suite.executor(TARGET)


# Reading and reporting

BROKEN = [
    ("id: group/demo", "id: group/other", 'its id is "group/other", and its folder says "group/demo"'),
    ("tags: [after]", "tag: [after]", "tag"),
    ("state: failed\n", "state: ended\n", "run.state"),
    ("{n: 3,", "{n: 3,}}\nrunn: {{", ""),
    ("plan:", "diagnostics: [{code: x}]\nplan:", "a case expects errors in `diagnostics`, or else a `run`"),
    ("description: A demonstration.\n", "", "description"),
]


@pytest.mark.parametrize(("right", "wrong", "told"), BROKEN)
def test_a_broken_expectation_is_refused(tmp_path: Path, right: str, wrong: str, told: str) -> None:
    home = written(tmp_path, RIGHT.replace(right, wrong, 1))

    with pytest.raises(UsageError) as caught:
        read_case(home)

    assert told in caught.value.message


def test_the_schema_takes_every_case_and_no_broken_one(tmp_path: Path) -> None:
    import json

    schema = json.loads((HERE / "expect.schema.json").read_text(encoding="utf-8"))
    Draft7Validator.check_schema(schema)
    validator = Draft7Validator(schema)

    def errors(file: Path) -> list[str]:
        document, _ = read_document(file, file.name)
        assert document is not None
        return [f"{file.parent.name}: {error.message}" for error in validator.iter_errors(document.data)]

    assert [] == [told for case in discover(HERE) for told in errors(case.folder / "expect.yaml")]
    for index, (right, wrong, _) in enumerate(BROKEN):
        if wrong.startswith(("tag:", "state:")) or not wrong:
            assert [] != errors(written(tmp_path / str(index), RIGHT.replace(right, wrong, 1)) / "expect.yaml")


def test_a_folder_without_cases_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no case in"):
        discover(tmp_path)


def test_cases_are_chosen_by_a_part_of_their_id_or_by_tag() -> None:
    cases = discover(HERE)

    assert {"matrix/axes"} == {case.id for case in selected(cases, "matrix/ax")}
    assert "nesting/two-levels" in {case.id for case in selected(cases, "steps.uses")}
    assert cases == selected(cases, None)


def test_a_report_has_a_line_for_each_case_and_says_it_to_machines_too() -> None:
    results = [
        CaseResult("a/one", "local", "passed", (), 0.25),
        CaseResult("a/two", "local", "refused", ("local: not here",), 0.5),
        CaseResult("b/three", "local", "failed", ('output "n" is 3', "and \x1b more"), 1.0),
    ]
    lines = """\
passed   a/one                                          0.25 s
refused  a/two                                          0.50 s
         local: not here
failed   b/three                                        1.00 s
         output "n" is 3
         and \x1b more"""

    assert lines == "\n".join(line(result) for result in results)
    assert "local: 1 passed, 1 refused, 1 failed; 3 cases in 1.8 s" == summary("local", results)
    root = ET.fromstring(junit(results))
    suites = [(s.get("name"), s.get("tests"), s.get("failures"), s.get("skipped")) for s in root.iter("testsuite")]
    assert [("conformance.local", "3", "1", "0")] == suites
    assert ['output "n" is 3\nand \ufffd more'] == [element.text for element in root.iter("failure")]
    assert ["refused, as declared: local: not here"] == [element.text for element in root.iter("system-out")]
