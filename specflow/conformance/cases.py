"""One case as data: what is run, and what must come of it. docs/conformance.md is the manual of `expect.yaml`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError, model_validator

from specflow.errors import UsageError

__all__ = [
    "EXPECT_FILE",
    "Case",
    "Content",
    "Expectation",
    "Finding",
    "Place",
    "RunExpectation",
    "StepExpectation",
    "discover",
    "read_case",
    "selected",
]

EXPECT_FILE = "expect.yaml"

Texts = Annotated[tuple[str, ...], Strict(False)]
State = Literal["succeeded", "cached", "failed", "skipped", "cancelled"]
States = Annotated[tuple[State, ...], Strict(False)]


class _Closed(BaseModel):
    """Frozen, strict about types, closed to unknown keys."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Place(_Closed):
    """A stretch of a file; lines and columns count from 1, the end is exclusive. No `file`: the case's spec."""

    file: str = ""
    line: int = 1
    column: int = 1
    end_line: int = 1
    end_column: int = 1


class Finding(Place):
    """A diagnostic that must be there; texts that are left out are not compared."""

    code: str
    severity: Literal["error", "warning"] = "error"
    message: str | None = None
    help: str | None = None


class Content(_Closed):
    """What a path or a value holds, said in exactly one way."""

    text: str | None = None
    matches: str | None = None
    json_: Any = Field(default=None, alias="json")
    sha256: str | None = None
    files: Mapping[str, Content | str] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Content:
        if len(self.model_fields_set) != 1:
            raise ValueError("say it in one way: text, matches, json, sha256 or files")
        return self


class StepExpectation(_Closed):
    """How a step must end; of several states any will do."""

    state: State | States
    attempts: int | None = None
    reason: str | None = None
    tells: Texts = ()
    hint: Texts = ()
    metrics: Mapping[str, Mapping[str, int | float]] | None = None
    at_least_s: float | int | None = None

    @property
    def states(self) -> tuple[State, ...]:
        """Return the states that will do."""
        return self.state if isinstance(self.state, tuple) else (self.state,)

    @property
    def accepted(self) -> tuple[State, ...]:
        """Return the states that will do: `cached` too for `succeeded` where nothing is said of attempts."""
        is_free = "succeeded" in self.states and self.attempts is None and self.at_least_s is None
        return (*self.states, "cached") if is_free else self.states


class RunExpectation(_Closed):
    """How a run must end. `outputs` and `steps` are complete where they are given."""

    state: Literal["succeeded", "failed", "cancelled"]
    reason: str | None = None
    outputs: Mapping[str, Any] | None = None
    steps: Mapping[str, State | StepExpectation] | None = None
    order: Annotated[tuple[Annotated[tuple[str, str], Strict(False)], ...], Strict(False)] = ()
    at_once: int | None = None
    log: Mapping[str, Texts] = Field(default_factory=dict)
    registered: Mapping[str, str] | None = None
    written: Mapping[str, Content | str] = Field(default_factory=dict)


class Expectation(_Closed):
    """All of an `expect.yaml`."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*/[a-z0-9]+(-[a-z0-9]+)*$")]
    description: Annotated[str, Field(min_length=1)]
    tags: Annotated[tuple[str, ...], Strict(False), Field(min_length=1)]
    unseen: Mapping[str, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    spec: str = "pipeline.yaml"
    inputs: Mapping[str, str | Texts] = Field(default_factory=dict)
    profile: str | None = None
    env: Mapping[str, str] = Field(default_factory=dict)
    secrets: Texts = ()
    jobs: Annotated[int, Field(ge=1)] = 4
    cancel_at: str | None = None
    features: Mapping[str, Place] = Field(default_factory=dict)
    refused: Annotated[tuple[Finding, ...], Strict(False)] = ()
    diagnostics: Annotated[tuple[Finding, ...], Strict(False)] = ()
    plan: Mapping[str, Any] | None = None
    run: RunExpectation | None = None
    again: RunExpectation | None = None
    approximated: Mapping[str, RunExpectation] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _errors_or_a_run(self) -> Expectation:
        has_errors = any(finding.severity == "error" for finding in self.diagnostics)
        if has_errors == (self.run is not None):
            raise ValueError("a case expects errors in `diagnostics`, or else a `run`")
        if self.again is not None and self.run is None:
            raise ValueError("`again` comes after a `run`")
        return self


@dataclass(frozen=True, slots=True)
class Case:
    """A case: its folder and its expectation."""

    folder: FilePath
    expect: Expectation

    @property
    def id(self) -> str:
        """Return the case's id, `<group>/<folder>`."""
        return self.expect.id


def discover(folder: FilePath) -> tuple[Case, ...]:
    """Return every case below a folder of groups, in order of ids; raise UsageError for none, or for a broken one."""
    cases = tuple(sorted((read_case(file.parent) for file in folder.glob(f"*/*/{EXPECT_FILE}")), key=lambda c: c.id))
    if not cases:
        raise UsageError(f'there is no case in "{folder}"', f"a case is a folder <group>/<case> with an {EXPECT_FILE}")
    return cases


def read_case(folder: FilePath) -> Case:
    """Return the case in a folder; raise UsageError where its `expect.yaml` is not one."""
    from specflow.spec.source import read_document

    file = folder / EXPECT_FILE
    document, found = read_document(file, str(file))
    if document is None or found:
        raise UsageError(f"{file}: {found[0].message}")
    try:
        expect = Expectation.model_validate(document.data)
    except ValidationError as failure:
        first = failure.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise UsageError(
            f"{file}: {place}: {first['msg']}", "docs/conformance.md says what an expect.yaml holds"
        ) from None
    wanted = f"{folder.parent.name}/{folder.name}"
    if expect.id != wanted:
        raise UsageError(f'{file}: its id is "{expect.id}", and its folder says "{wanted}"')
    return Case(folder, expect)


def selected(cases: Iterable[Case], pattern: str | None) -> tuple[Case, ...]:
    """Return the cases whose id holds the pattern, or that have it as a tag; all of them without one."""
    return tuple(case for case in cases if pattern is None or pattern in case.id or pattern in case.expect.tags)
