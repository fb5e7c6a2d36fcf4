"""Cases on targets: each is copied, checked, planned and run as `specflow run` would, and compared with its word."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path as FilePath
from typing import Any, Literal

from specflow.attempt.prepare import BASE_VARIABLES
from specflow.conformance.cases import Case, Expectation, Finding, Place, RunExpectation
from specflow.conformance.judge import finding_differences, is_among, part_differences, run_differences
from specflow.conformance.observed import Executor, Given
from specflow.diagnostics import Diagnostic, Span, has_errors
from specflow.errors import SpecflowError
from specflow.graph.features import uses
from specflow.graph.model import Graph
from specflow.inputs import read_inputs
from specflow.plan import Plan, load_plan, save_plan
from specflow.spec.load import Loader
from specflow.stages import Checked, make_plan, validate
from specflow.targets.base import Capability, Target, target
from specflow.targets.local.data import check_data
from specflow.targets.local.secrets import allowed_names, gather
from specflow.targets.local.tools import check_tools
from specflow.targets.local.workspace import thaw_and_remove

__all__ = ["CaseResult", "Route", "Verdict", "executor", "run_case"]

Verdict = Literal["passed", "refused", "failed"]
Route = Literal["spec", "plan"]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How a case went on a target; `told` says what was not as it should be, or for a refusal which features it was."""

    id: str
    target: str
    verdict: Verdict
    told: tuple[str, ...]
    seconds: float


def run_case(case: Case, name: str, route: Route = "spec") -> CaseResult:
    """Return how a case goes on a target: passed, refused as the target declares, or failed.

    By the route `plan` the plan is written to a folder, loaded from there, and that is what runs.
    """
    began = time.monotonic()
    with _copy(case.folder) as project:
        try:
            verdict, told = _Trial(case.expect, target(name), project, route).verdict()
        except SpecflowError as failure:
            verdict, told = "failed", (f"it ended with an error: {failure.message}",)
    return CaseResult(case.id, name, verdict, told, time.monotonic() - began)


def executor(which: Target) -> Executor:
    """Return how a target runs a plan: its own way, if it has an `executor`, else by the engine of this machine.

    The local engine is the host of every plan that names no other: what lies on a target is bridged from here.
    """
    from specflow.conformance.local import run_here

    own: Executor | None = getattr(which, "executor", None)
    return own if own is not None else run_here


@contextmanager
def _copy(folder: FilePath) -> Iterator[FilePath]:
    """Yield a copy of a case's folder, a project of its own: a step may do there what it likes."""
    around = FilePath(tempfile.mkdtemp(prefix="specflow-case-")).resolve()
    project = around / "it's a project"  # a path that nobody may paste into a command
    try:
        shutil.copytree(folder, project, symlinks=True)
        (project / ".git").mkdir()  # whatever lies above, the project begins here
        (around / "home").mkdir()
        yield project
    finally:
        thaw_and_remove(around)


@dataclass(frozen=True, slots=True)
class _Trial:
    """One case on one target, in its own copy."""

    expect: Expectation
    target: Target
    project: FilePath
    route: Route

    def verdict(self) -> tuple[Verdict, tuple[str, ...]]:
        """Return how the case goes, and why."""
        expect = self.expect
        checked = validate(self.project / expect.spec, Loader(self.project, expect.profile))
        plan, found = make_plan(checked, self.target.name)
        declared, told = self._declared(checked)
        given, more = (None, ()) if plan is None else self._given(plan)
        seen = [self._in_project(diagnostic) for diagnostic in (*found, *more)]
        refused = self._with_files(expect.refused)
        errors = tuple(diagnostic for diagnostic in seen if diagnostic.severity == "error")
        allowed = tuple(one for one in errors if is_among(one, refused) and not is_among(one, declared))
        if allowed or any(finding.severity == "error" for finding in declared):
            rest = [diagnostic for diagnostic in seen if diagnostic not in allowed]
            told += finding_differences((*self._with_files(expect.diagnostics), *declared), rest)
            return ("failed", told) if told else ("refused", tuple(diagnostic.message for diagnostic in errors))
        told += finding_differences((*self._with_files(expect.diagnostics), *declared), seen)
        if not told and plan is not None and given is not None:
            told = self._ran(plan, given)
        return ("failed", told) if told else ("passed", ())

    def _with_files(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return findings with the spec as the file of those that name none."""
        return [finding.model_copy(update={"file": finding.file or self.expect.spec}) for finding in findings]

    def _declared(self, checked: Checked) -> tuple[list[Finding], tuple[str, ...]]:
        """Return what the target's capabilities say of the features in use, and which the case names in vain."""
        if checked.graph is None:
            return [], ()
        places: dict[str, Span] = {}
        for use in uses(checked.graph, checked.graph.nodes, self.target.name):
            places.setdefault(use.feature, use.span)
        named = {"local", *self._patched(checked.graph), self.target.name}
        used = {use.feature for name in named for use in uses(checked.graph, checked.graph.nodes, name)}
        vain = sorted(self.expect.features.keys() - used)
        told = tuple(f'the case names the feature "{feature}", and does not use it' for feature in vain)
        pairs = ((self.target.CAPABILITIES[feature], self._place(feature, span)) for feature, span in places.items())
        return [
            _finding(self.target.name, capability, place)
            for capability, place in pairs
            if capability.support != "implements"
        ], told

    @staticmethod
    def _patched(graph: Graph) -> set[str]:
        """Return the targets that a spec has patches for: a case may name the place of a patch that is not for us."""
        return {name for node in graph.nodes.values() for name in node.extensions} | set(graph.extensions)

    def _place(self, feature: str, span: Span) -> Place:
        """Return where a feature is used: where the case says, or where it was found if the case says nothing."""
        place = self.expect.features.get(feature)
        if place is None:
            return Place(**asdict(span))
        return place.model_copy(update={"file": place.file or self.expect.spec})

    def _given(self, plan: Plan) -> tuple[Given | None, tuple[Diagnostic, ...]]:
        """Return what the run is started with, as the command line would; nothing, and why, where it would refuse."""
        texts = {name: [text] if isinstance(text, str) else list(text) for name, text in self.expect.inputs.items()}
        inputs, found = read_inputs(plan, texts, self.project)
        if found:
            return None, found
        environ = self._environ()
        secrets, found = gather(plan.document["secrets"], allowed_names(self.expect.secrets, environ), environ)
        found = (*found, *check_data(plan), *check_tools(plan, environ, emulates=True))
        if has_errors(found):
            return None, found
        return Given(self.project, inputs, environ, secrets, self.expect.jobs, self.expect.cancel_at), found

    def _environ(self) -> Mapping[str, str]:
        """Return the environment that the user has: what a machine needs, an empty home, and the case's own."""
        around = {name: os.environ[name] for name in BASE_VARIABLES if name in os.environ}
        return {**around, "HOME": str(self.project.parent / "home"), **self.expect.env}

    def _ran(self, plan: Plan, given: Given) -> tuple[str, ...]:
        """Return what was not as it should be in the plan and in its runs."""
        steps = {step["label"]: step for step in plan.document["steps"]}
        data = {
            key: entry for held in (plan.document, *plan.document["islands"]) for key, entry in held["data"].items()
        }
        told = part_differences(
            "plan", _asked_here(self.expect.plan or {}, steps), {**plan.document, "steps": steps, "data": data}
        )
        if self.route == "plan":
            folder = self.project.parent / "plan"
            save_plan(plan, folder)
            plan = load_plan(folder)
        nearly = (run for name, run in self.expect.approximated.items() if self._approximates(name))
        first = next(nearly, self.expect.run)
        runs: list[RunExpectation] = [run for run in (first, self.expect.again) if run is not None]
        execute = executor(self.target)
        for run in runs:
            told += run_differences(run, execute(plan, given), self.project)
        return told

    def _approximates(self, feature: str) -> bool:
        return self.target.CAPABILITIES[feature].support == "approximates"

    def _in_project(self, diagnostic: Diagnostic) -> Diagnostic:
        """Return a finding with its file as the case names it: from the project's folder."""
        file = diagnostic.span.file.removeprefix(f"{self.project}/")
        return replace(diagnostic, span=replace(diagnostic.span, file=file))


def _finding(name: str, capability: Capability, place: Place) -> Finding:
    """Return the finding by which a target tells that it honours a feature nearly, or not at all."""
    is_near = capability.support == "approximates"
    return Finding(
        code="approximated" if is_near else "unsupported",
        severity="warning" if is_near else "error",
        message=f"{name}: {capability.sentence}",
        **place.model_dump(),
    )


_OF_THIS_MACHINE = ("cpus", "environment", "target")
"""What a plan says of a step for the machine that runs it; of a step elsewhere, the artifact says it."""


def _asked_here(expected: Mapping[str, Any], steps: Mapping[str, Any]) -> dict[str, Any]:
    """Return the expected parts of a plan, without what it does not say of steps that lie elsewhere."""
    asked = {}
    for label, parts in expected.get("steps", {}).items():
        is_abroad = steps.get(label, {}).get("island") is not None
        asked[label] = {key: part for key, part in parts.items() if not (is_abroad and key in _OF_THIS_MACHINE)}
    return {**expected, "steps": asked} if asked else dict(expected)
