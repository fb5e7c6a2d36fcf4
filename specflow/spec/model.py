"""The documents as frozen, typed data. Held equal to schemas/ by tests/spec/test_model_equals_schema.py.

A model is fast and says only yes or no; spec/schema.py says what is wrong, and where. Texts that hold `${{ … }}` are
kept as they were written: spec/expressions.py reads them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from specflow.spec.records import (
    MisfitError,
    Record,
    any_mapping,
    by_type,
    field,
    items,
    mapping,
    number,
    one_of,
    required,
    text,
)

__all__ = [
    "PATH_TYPES",
    "VALUE_TYPES",
    "Compute",
    "DataSource",
    "Environment",
    "Input",
    "Notify",
    "Output",
    "Pipeline",
    "PipelineOutput",
    "Profile",
    "Project",
    "Register",
    "Retry",
    "Schedule",
    "Step",
    "StepUse",
    "Value",
]

PATH_TYPES = ("file", "folder", "model", "metrics")
VALUE_TYPES = ("string", "integer", "number", "boolean")

PathType = Literal["file", "folder", "model", "metrics"]
PortType = Literal["file", "folder", "model", "metrics", "string", "integer", "number", "boolean"]
Number = int | float
Value = bool | int | float | str

ANY_TEXT = text()
TEXT = text(least=1)
FLAG = one_of(True, False)
NAME = text(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", most=63)
VARIABLE = text(r"[A-Za-z_][A-Za-z0-9_]*", most=256)
DURATION = text(r"[1-9][0-9]{0,8}(s|m|h|d)")
FORMAT = text(r"[a-z0-9][a-z0-9._-]*", most=32)
VERSION = text(
    r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)
LANGUAGE = one_of(1)
NUMBER = number(int, float)
COUNT = number(int, least=1)
PATH_TYPE = one_of(*PATH_TYPES)
PORT_TYPE = one_of(*PATH_TYPES, *VALUE_TYPES)
VALUE = by_type({bool: None, int: None, float: None, str: None})
VALUES = items(VALUE)
SOME_VALUES = items(VALUE, least=1)
VALUE_OR_VALUES = by_type({bool: None, int: None, float: None, str: None, list: VALUES, tuple: VALUES})
TEXTS = items(TEXT)
VARIABLES = mapping(VARIABLE, by_type({bool: None, int: None, float: None, str: None, type(None): None}))
NAMES = items(VARIABLE, is_unique=True)
RUN = by_type({str: TEXT, list: SOME_VALUES, tuple: SOME_VALUES})
BODY_KEYS = frozenset(("uses", "run", "notebook"))
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Extensible(Record):
    """A document part that may carry `x-<target>` patches."""

    extension = re.compile(r"x-[a-z][a-z0-9]*(_[a-z0-9]+)*").fullmatch  # type: ignore[assignment]
    extensions: Mapping[str, dict[str, Any]] = NOTHING


class Input(Record):
    """One declared input."""

    type: PortType = required(PORT_TYPE)
    description: str = field(ANY_TEXT, "")
    default: Value | tuple[Value, ...] | None = field(VALUE_OR_VALUES)
    optional: bool = field(FLAG, False)
    many: bool = field(FLAG, False)
    enum: tuple[Value, ...] | None = field(SOME_VALUES)
    minimum: Number | None = field(NUMBER)
    maximum: Number | None = field(NUMBER)
    pattern: str | None = field(ANY_TEXT)
    format: str | None = field(FORMAT)
    access: Literal["mount", "download", "direct"] = field(one_of("mount", "download", "direct"), "mount")

    def check(self) -> None:
        """Raise MisfitError for keys that do not fit the type."""
        if self.is_path:
            refused = {"enum", "minimum", "maximum", "pattern"}
        else:
            refused = {"format", "access"}
            refused |= {"minimum", "maximum"} if self.type in ("string", "boolean") else set()
            refused |= {"pattern"} if self.type != "string" else set()
        if self.given & refused or ("default" in self.given and self.optional):
            raise MisfitError

    @property
    def is_path(self) -> bool:
        """Return whether the port holds a path rather than a value."""
        return self.type in PATH_TYPES


class Output(Record):
    """One declared output of a step."""

    type: PortType = required(PORT_TYPE)
    description: str = field(ANY_TEXT, "")
    optional: bool = field(FLAG, False)
    format: str | None = field(FORMAT)

    def check(self) -> None:
        """Raise MisfitError for a value with a format."""
        if self.format is not None and self.type not in PATH_TYPES:
            raise MisfitError


class Environment(Record):
    """What a step needs installed."""

    python: str | None = field(TEXT)
    dependencies: tuple[str, ...] = field(TEXTS, ())
    requirements: str | None = field(TEXT)
    wheels: tuple[str, ...] = field(TEXTS, ())
    conda: str | None = field(TEXT)
    image: str | None = field(TEXT)

    def check(self) -> None:
        """Raise MisfitError for more than one source of truth."""
        given = set(self.given)
        if ("image" in given and given != {"image"}) or ("conda" in given and given != {"conda"}):
            raise MisfitError


ENVIRONMENT_USE = by_type({str: NAME, dict: Environment.read})


class Retry(Record):
    """How often a failed attempt is tried again; `attempts` counts the first one too."""

    attempts: int = required(number(int, least=1, most=100))
    delay: str = field(DURATION, "1s")
    backoff: Number = field(number(int, float, least=1, most=100), 1)


class Head(Extensible):
    """What every step and pipeline file begins with."""

    specflow: int = required(LANGUAGE)
    name: str = required(NAME)
    version: str | None = field(VERSION)
    description: str = field(ANY_TEXT, "")
    tags: Mapping[str, str] = field(mapping(ANY_TEXT, ANY_TEXT), NOTHING)
    inputs: Mapping[str, Input] = field(mapping(NAME, Input.read), NOTHING)


def _check_body(body: Any) -> None:
    """Raise MisfitError unless `shell`, `engine` and `run` of a body go together."""
    given = body.given
    if "shell" in given and (not isinstance(body.run, str) or "engine" in given):
        raise MisfitError  # a shell script is one string, run as a process
    if body.run is None and {"shell", "engine"} & given:
        raise MisfitError


SHELL = one_of("bash")
ENGINE = one_of("process", "spark")


class Step(Head):
    """A step file."""

    outputs: Mapping[str, Output] = field(mapping(NAME, Output.read), NOTHING)
    run: str | tuple[Value, ...] | None = field(RUN)
    shell: Literal["bash"] | None = field(SHELL)
    notebook: str | None = field(TEXT)
    engine: Literal["process", "spark"] = field(ENGINE, "process")
    code: str | None = field(TEXT)
    environment: str | Environment | None = field(ENVIRONMENT_USE)
    env: Mapping[str, Value | None] = field(VARIABLES, NOTHING)
    secrets: tuple[str, ...] = field(NAMES, ())
    retry: Retry | None = field(Retry.read)
    timeout: str | None = field(DURATION)
    cache: bool = field(FLAG, True)

    def check(self) -> None:
        """Raise MisfitError unless there is one body."""
        if (self.run is None) == (self.notebook is None):
            raise MisfitError
        _check_body(self)


INSTANCES = items(mapping(NAME, VALUE, least=1), least=1)
MATRIX = by_type({dict: mapping(NAME, SOME_VALUES, least=1), list: INSTANCES, tuple: INSTANCES})
INPUT_VALUE = by_type({bool: None, int: None, float: None, str: None, type(None): None, list: VALUES, tuple: VALUES})


class StepUse(Extensible):
    """One entry of a pipeline's `steps`: a file used, or a body in place."""

    uses: str | None = field(TEXT)
    description: str = field(ANY_TEXT, "")
    run: str | tuple[Value, ...] | None = field(RUN)
    shell: Literal["bash"] | None = field(SHELL)
    notebook: str | None = field(TEXT)
    engine: Literal["process", "spark"] = field(ENGINE, "process")
    code: str | None = field(TEXT)
    environment: str | Environment | None = field(ENVIRONMENT_USE)
    env: Mapping[str, Value | None] = field(VARIABLES, NOTHING)
    secrets: tuple[str, ...] = field(NAMES, ())
    inputs: Mapping[str, Value | tuple[Value, ...] | None] = field(mapping(NAME, INPUT_VALUE), NOTHING)
    outputs: Mapping[str, Output] = field(mapping(NAME, Output.read), NOTHING)
    target: str | None = field(NAME)
    compute: str | None = field(NAME)
    after: tuple[str, ...] = field(items(ANY_TEXT, is_unique=True), ())
    when: str | bool | None = field(by_type({str: TEXT, bool: None}))
    matrix: Mapping[str, tuple[Value, ...]] | tuple[Mapping[str, Value], ...] | None = field(MATRIX)
    retry: Retry | None = field(Retry.read)
    timeout: str | None = field(DURATION)
    cache: bool = field(FLAG, True)

    def check(self) -> None:
        """Raise MisfitError for two bodies, and for keys that do not go with the one there is."""
        given = self.given
        if len(BODY_KEYS & given) > 1:
            raise MisfitError
        if "uses" in given and {"shell", "engine", "code", "secrets", "outputs"} & given:
            raise MisfitError
        if "run" in given and "inputs" in given:
            raise MisfitError
        _check_body(self)


class Register(Record):
    """Under which name, and version, an output is entered in the target's registry."""

    name: str = required(TEXT)
    version: str = field(TEXT, "")


class PipelineOutput(Record):
    """One output of a pipeline: a step's output, by reference."""

    source: str = required(TEXT, key="from")
    description: str = field(ANY_TEXT, "")
    optional: bool = field(FLAG, False)
    format: str | None = field(FORMAT)
    registered: Register | None = field(Register.read, key="register")
    location: str | None = field(TEXT)


LOCATIONS = mapping(NAME, TEXT, least=1)


class DataSource(Record):
    """A named, versioned source of data."""

    type: PathType = required(PATH_TYPE)
    description: str = field(ANY_TEXT, "")
    format: str | None = field(FORMAT)
    version: str | None = field(TEXT)
    location: str | Mapping[str, str] = required(by_type({str: TEXT, dict: LOCATIONS}))
    sha256: str | None = field(text(r"[0-9a-f]{64}"))


class Autoscale(Record):
    """A number of machines between two bounds."""

    min: int = required(COUNT)
    max: int = required(COUNT)


class Compute(Record):
    """What a step needs of a machine."""

    cpus: int | None = field(COUNT)
    memory: str | None = field(text(r"[1-9][0-9]{0,6}(\.[0-9]{1,3})?(M|G|T)(i)?B"))
    gpus: int | None = field(COUNT)
    nodes: int | None = field(COUNT)
    autoscale: Autoscale | None = field(Autoscale.read)
    spot: bool = field(FLAG, False)

    def check(self) -> None:
        """Raise MisfitError for two numbers of machines."""
        if self.nodes is not None and self.autoscale is not None:
            raise MisfitError


class Schedule(Record):
    """When a platform starts the pipeline by itself."""

    cron: str = required(ANY_TEXT)
    timezone: str = field(ANY_TEXT, "UTC")
    enabled: bool = field(FLAG, True)


ADDRESSES = items(text(r"[^@ ]+@[^@ ]+"), least=1)


class Notify(Record):
    """Who is told how a run ended."""

    on_failure: tuple[str, ...] | None = field(ADDRESSES)
    on_success: tuple[str, ...] | None = field(ADDRESSES)

    def check(self) -> None:
        """Raise MisfitError for one that says nothing."""
        if not self.given:
            raise MisfitError


class Pipeline(Head):
    """A pipeline file."""

    outputs: Mapping[str, PipelineOutput] = field(mapping(NAME, PipelineOutput.read), NOTHING)
    steps: Mapping[str, StepUse] = required(mapping(NAME, StepUse.read, least=1))
    data: Mapping[str, DataSource] = field(mapping(NAME, DataSource.read), NOTHING)
    computes: Mapping[str, Compute] = field(mapping(NAME, Compute.read), NOTHING)
    environments: Mapping[str, Environment] = field(mapping(NAME, Environment.read), NOTHING)
    code: str | None = field(TEXT)
    environment: str | Environment | None = field(ENVIRONMENT_USE)
    env: Mapping[str, Value | None] = field(VARIABLES, NOTHING)
    target: str | None = field(NAME)
    compute: str | None = field(NAME)
    timeout: str | None = field(DURATION)
    fail_fast: bool = field(FLAG, False)
    concurrency: int | None = field(number(int, least=1, most=10000))
    schedule: Schedule | None = field(Schedule.read)
    notify: Notify | None = field(Notify.read)


BINDING = by_type({str: TEXT, dict: any_mapping})
PLACED_STEP = text(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
PLACES_OF_SECRET = mapping(NAME, mapping(ANY_TEXT, TEXT, least=1))


class Profile(Record):
    """The deployment-specific half: what the neutral names mean on each target."""

    variables: Mapping[str, Value] = field(mapping(NAME, VALUE), NOTHING)
    store: Mapping[str, str] = field(mapping(NAME, TEXT), NOTHING)
    targets: Mapping[str, dict[str, Any]] = field(mapping(NAME, any_mapping), NOTHING)
    computes: Mapping[str, Mapping[str, str | dict[str, Any]]] = field(mapping(NAME, mapping(NAME, BINDING)), NOTHING)
    environments: Mapping[str, Mapping[str, str | dict[str, Any]]] = field(
        mapping(NAME, mapping(NAME, BINDING)), NOTHING
    )
    placement: Mapping[str, str] = field(mapping(PLACED_STEP, NAME), NOTHING)
    secrets: Mapping[str, Mapping[str, Mapping[str, str]]] = field(mapping(VARIABLE, PLACES_OF_SECRET), NOTHING)


class Project(Record):
    """The project file."""

    specflow: int = required(LANGUAGE)
    profile: str | None = field(NAME)
    profiles: Mapping[str, Profile] = field(mapping(NAME, Profile.read), NOTHING)
    data: Mapping[str, DataSource] = field(mapping(NAME, DataSource.read), NOTHING)
