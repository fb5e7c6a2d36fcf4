"""The documents as frozen, typed data. Held equal to schemas/ by tests/spec/test_model_equals_schema.py.

A model is fast and says only yes or no; spec/schema.py says what is wrong, and where. Texts that hold `${{ … }}` are
kept as they were written: spec/expressions.py reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    Strict,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    StringConstraints,
    model_validator,
)

from specflow.attempt.values import PATH_TYPES

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

VALUE_TYPES = ("string", "integer", "number", "boolean")

# Literal[1] would take `true` and `1.0`, which equal it.
Language = Annotated[int, Field(ge=1, le=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=63)]
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=256)]
Text = Annotated[str, StringConstraints(min_length=1)]
Number = StrictInt | StrictFloat
Value = StrictBool | StrictInt | StrictFloat | StrictStr
Duration = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,8}(s|m|h|d)$")]
Format = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=32)]
Version = Annotated[
    str,
    StringConstraints(
        pattern=r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
        r"(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$"
    ),
]
PathType = Literal["file", "folder", "model", "metrics"]
PortType = Literal["file", "folder", "model", "metrics", "string", "integer", "number", "boolean"]
Code = Text

T = TypeVar("T")
Items = Annotated[tuple[T, ...], Strict(False)]


def _not_empty(items: tuple[T, ...]) -> tuple[T, ...]:
    if not items:
        raise ValueError("empty")
    return items


def _unique(items: tuple[T, ...]) -> tuple[T, ...]:
    if len(set(items)) != len(items):
        raise ValueError("not unique")
    return items


class Frozen(BaseModel):
    """Frozen, strict about types, closed to unknown keys.

    `noted` is no part of it: rules that many ask keep there what they have worked out of it.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")
    _noted: dict[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def noted(self) -> dict[str, Any]:
        """Return what rules have worked out of it so far, by the rule's own name."""
        private = self.__pydantic_private__  # what `self._noted` comes to after three calls; asked of every step, often
        assert private is not None
        noted: dict[str, Any] = private["_noted"]
        return noted

    @property
    def given(self) -> frozenset[str]:
        """Return the fields that the document sets."""
        return frozenset(self.model_fields_set)

    def plain(self) -> dict[str, Any]:
        """Return it as plain data, defaults included."""
        return self.model_dump()

    @model_validator(mode="before")
    @classmethod
    def _a_key_has_a_value(cls, data: Any) -> Any:
        """Raise for a key that is given and left empty: that is not the same as leaving it out."""
        if isinstance(data, dict) and None in data.values():
            raise ValueError("a key without a value")
        return data


_EXTENSION_KEYS = "\0extensions"
"""No YAML key can be this (it holds a NUL), so it never meets a user's."""


def _fold_extensions(data: Any) -> Any:
    """Return the mapping with its `x-<target>` keys gathered under one."""
    if not isinstance(data, dict):
        return data
    extensions = {key: value for key, value in data.items() if key.startswith("x-")}
    if not extensions:
        return data
    rest = {key: value for key, value in data.items() if key not in extensions}
    return {**rest, _EXTENSION_KEYS: extensions}


ExtensionKey = Annotated[str, StringConstraints(pattern=r"^x-[a-z][a-z0-9]*(_[a-z0-9]+)*$")]


class Extensible(Frozen):
    """A document part that may carry `x-<target>` patches."""

    extensions: Mapping[ExtensionKey, dict[str, Any]] = Field(default_factory=dict, alias="\0extensions")

    _gather = model_validator(mode="before")(staticmethod(_fold_extensions))


class Input(Frozen):
    """One declared input."""

    type: PortType
    description: str = ""
    default: Value | Items[Value] | None = None
    optional: bool = False
    many: bool = False
    enum: Annotated[Items[Value], AfterValidator(_not_empty)] | None = None
    minimum: Number | None = None
    maximum: Number | None = None
    pattern: str | None = None
    format: Format | None = None
    access: Literal["mount", "download", "direct"] = "mount"

    @model_validator(mode="after")
    def _keys_fit_the_type(self) -> Input:
        given = self.model_fields_set
        if self.is_path:
            refused = {"enum", "minimum", "maximum", "pattern"}
        else:
            refused = {"format", "access"}
            refused |= {"minimum", "maximum"} if self.type in ("string", "boolean") else set()
            refused |= {"pattern"} if self.type != "string" else set()
        if given & refused or ("default" in given and self.optional):
            raise ValueError("keys do not go together")
        return self

    @property
    def is_path(self) -> bool:
        """Return whether the port holds a path rather than a value."""
        return self.type in PATH_TYPES


class Output(Frozen):
    """One declared output of a step."""

    type: PortType
    description: str = ""
    optional: bool = False
    format: Format | None = None

    @model_validator(mode="after")
    def _keys_fit_the_type(self) -> Output:
        if self.format is not None and self.type not in PATH_TYPES:
            raise ValueError("a value has no format")
        return self


class Environment(Frozen):
    """What a step needs installed."""

    python: Text | None = None
    dependencies: Items[Text] = ()
    requirements: Text | None = None
    wheels: Items[Text] = ()
    conda: Text | None = None
    image: Text | None = None

    @model_validator(mode="after")
    def _one_source_of_truth(self) -> Environment:
        given = set(self.model_fields_set)
        if ("image" in given and given != {"image"}) or ("conda" in given and given != {"conda"}):
            raise ValueError("more than one source")
        return self


EnvironmentUse = Name | Environment
Variables = Mapping[VariableName, Value | None]


class Retry(Frozen):
    """How often a failed attempt is tried again; `attempts` counts the first one too."""

    attempts: Annotated[int, Field(ge=1, le=100)]
    delay: Duration = "1s"
    backoff: Annotated[Number, Field(ge=1, le=100)] = 1


class Head(Extensible):
    """What every step and pipeline file begins with."""

    specflow: Language
    name: Name
    version: Version | None = None
    description: str = ""
    tags: Mapping[str, str] = Field(default_factory=dict)
    inputs: Mapping[Name, Input] = Field(default_factory=dict)


_OURS = frozenset({"code", "env", "secrets", "environment", "compute", "cache"})
"""What specflow does around a body, and so not around a native step."""


def _check_body(body: Any) -> None:
    """Raise unless `shell`, `engine` and `run` of a body go together."""
    given = body.model_fields_set
    if "shell" in given and (not isinstance(body.run, str) or "engine" in given):
        raise ValueError("a shell script is one string, run as a process")
    if body.run is None and {"shell", "engine"} & given:
        raise ValueError("shell and engine belong to run")


Run = Text | Annotated[Items[Value], AfterValidator(_not_empty)]


class Step(Head):
    """A step file."""

    outputs: Mapping[Name, Output] = Field(default_factory=dict)
    run: Run | None = None
    shell: Literal["bash"] | None = None
    notebook: Text | None = None
    engine: Literal["process", "spark"] = "process"
    code: Code | None = None
    environment: EnvironmentUse | None = None
    env: Variables = Field(default_factory=dict)
    secrets: Annotated[Items[VariableName], AfterValidator(_unique)] = ()
    retry: Retry | None = None
    timeout: Duration | None = None
    cache: bool = True

    @model_validator(mode="after")
    def _one_body(self) -> Step:
        if (self.run is None) == (self.notebook is None):
            raise ValueError("one body")
        _check_body(self)
        return self


Literals = Value | Items[Value] | None
Axis = Annotated[Items[Value], AfterValidator(_not_empty)]
Instance = Annotated[Mapping[Name, Value], Field(min_length=1)]
Matrix = Annotated[Mapping[Name, Axis], Field(min_length=1)] | Annotated[Items[Instance], AfterValidator(_not_empty)]


class StepUse(Extensible):
    """One entry of a pipeline's `steps`: a file used, or a body in place."""

    uses: Text | None = None
    description: str = ""
    run: Run | None = None
    shell: Literal["bash"] | None = None
    notebook: Text | None = None
    engine: Literal["process", "spark"] = "process"
    code: Code | None = None
    environment: EnvironmentUse | None = None
    env: Variables = Field(default_factory=dict)
    secrets: Annotated[Items[VariableName], AfterValidator(_unique)] = ()
    inputs: Mapping[Name, Literals] = Field(default_factory=dict)
    outputs: Mapping[Name, Output] = Field(default_factory=dict)
    target: Name | None = None
    compute: Name | None = None
    after: Annotated[Items[str], AfterValidator(_unique)] = ()
    when: Text | bool | None = None
    matrix: Matrix | None = None
    retry: Retry | None = None
    timeout: Duration | None = None
    cache: bool = True

    @model_validator(mode="after")
    def _one_body(self) -> StepUse:
        given = self.model_fields_set
        if len({"uses", "run", "notebook"} & given) > 1:
            raise ValueError("two bodies")
        if "uses" in given and {"shell", "engine", "code", "secrets", "outputs"} & given:
            raise ValueError("keys of the used file")
        if "run" in given and "inputs" in given:
            raise ValueError("an in-place run has no inputs key")
        if self.extensions and not {"uses", "run", "notebook"} & given and _OURS & given:
            raise ValueError("a native step says it in its own words")
        _check_body(self)
        return self


class Register(Frozen):
    """Under which name, and version, an output is entered in the target's registry."""

    name: Text
    version: Text = ""


class PipelineOutput(Frozen):
    """One output of a pipeline: a step's output, by reference."""

    source: Text = Field(alias="from")
    description: str = ""
    optional: bool = False
    format: Format | None = None
    registered: Register | None = Field(default=None, alias="register")
    location: Text | None = None


class DataSource(Frozen):
    """A named, versioned source of data."""

    type: PathType
    description: str = ""
    format: Format | None = None
    version: Text | None = None
    location: Text | Annotated[Mapping[Name, Text], Field(min_length=1)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None


Count = Annotated[int, Field(ge=1)]


class Autoscale(Frozen):
    """A number of machines between two bounds."""

    min: Count
    max: Count


class Compute(Frozen):
    """What a step needs of a machine."""

    cpus: Count | None = None
    memory: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,6}(\.[0-9]{1,3})?(M|G|T)(i)?B$")] | None = None
    gpus: Count | None = None
    nodes: Count | None = None
    autoscale: Autoscale | None = None
    spot: bool = False

    @model_validator(mode="after")
    def _one_size(self) -> Compute:
        if self.nodes is not None and self.autoscale is not None:
            raise ValueError("nodes and autoscale")
        return self


class Schedule(Frozen):
    """When a platform starts the pipeline by itself."""

    cron: str
    timezone: str = "UTC"
    enabled: bool = True


Address = Annotated[str, StringConstraints(pattern=r"^[^@ ]+@[^@ ]+$")]
Addresses = Annotated[Items[Address], AfterValidator(_not_empty)]


class Notify(Frozen):
    """Who is told how a run ended."""

    on_failure: Addresses | None = None
    on_success: Addresses | None = None

    @model_validator(mode="before")
    @classmethod
    def _says_something(cls, data: Any) -> Any:
        if isinstance(data, dict) and not data:
            raise ValueError("empty")
        return data


class Pipeline(Head):
    """A pipeline file."""

    outputs: Mapping[Name, PipelineOutput] = Field(default_factory=dict)
    steps: Annotated[Mapping[Name, StepUse], Field(min_length=1)]
    data: Mapping[Name, DataSource] = Field(default_factory=dict)
    computes: Mapping[Name, Compute] = Field(default_factory=dict)
    environments: Mapping[Name, Environment] = Field(default_factory=dict)
    code: Code | None = None
    environment: EnvironmentUse | None = None
    env: Variables = Field(default_factory=dict)
    target: Name | None = None
    compute: Name | None = None
    timeout: Duration | None = None
    fail_fast: bool = False
    concurrency: Annotated[int, Field(ge=1, le=10000)] | None = None
    schedule: Schedule | None = None
    notify: Notify | None = None


Binding = Text | dict[str, Any]
PlacedStep = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$")]


class Profile(Frozen):
    """The deployment-specific half: what the neutral names mean on each target."""

    variables: Mapping[Name, Value] = Field(default_factory=dict)
    store: Mapping[Name, Text] = Field(default_factory=dict)
    targets: Mapping[Name, dict[str, Any]] = Field(default_factory=dict)
    computes: Mapping[Name, Mapping[Name, Binding]] = Field(default_factory=dict)
    environments: Mapping[Name, Mapping[Name, Binding]] = Field(default_factory=dict)
    placement: Mapping[PlacedStep, Name] = Field(default_factory=dict)
    secrets: Mapping[VariableName, Mapping[Name, Annotated[Mapping[str, Text], Field(min_length=1)]]] = Field(
        default_factory=dict
    )


class Project(Frozen):
    """The project file."""

    specflow: Language
    profile: Name | None = None
    profiles: Mapping[Name, Profile] = Field(default_factory=dict)
    data: Mapping[Name, DataSource] = Field(default_factory=dict)
