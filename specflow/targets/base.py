"""What a target is: what it can do of the language, how it checks and compiles; and how targets are found."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path as FilePath
from typing import Any, Literal, Protocol, TypeGuard

from specflow.diagnostics import Diagnostic, error, warning
from specflow.graph.features import FEATURES, Use, uses
from specflow.graph.islands import Island
from specflow.graph.model import Graph, Node
from specflow.installed import installed_targets
from specflow.spec.load import Workspace

__all__ = [
    "MARK",
    "Capability",
    "Check",
    "Client",
    "Compiled",
    "Coordinating",
    "Deployment",
    "Describing",
    "Description",
    "Examining",
    "Measured",
    "Platform",
    "Probing",
    "Restarting",
    "RunningEmulator",
    "Status",
    "StepStatus",
    "Submission",
    "Target",
    "Wanted",
    "approximates",
    "capability_findings",
    "implements",
    "is_coordinating",
    "is_describing",
    "is_examining",
    "is_platform",
    "is_probing",
    "is_restarting",
    "rejects",
    "target",
    "target_names",
]


@dataclass(frozen=True, slots=True)
class Capability:
    """How a target honours one feature of the language: fully, nearly (with a warning), or not at all (an error)."""

    support: Literal["implements", "approximates", "rejects"]
    sentence: str


def implements(sentence: str) -> Capability:
    """Return the word of a target that honours a feature as the language says."""
    return Capability("implements", sentence)


def approximates(sentence: str) -> Capability:
    """Return the word of a target that honours a feature nearly; the sentence is the warning."""
    return Capability("approximates", sentence)


def rejects(sentence: str) -> Capability:
    """Return the word of a target that can't honour a feature; the sentence is the error."""
    return Capability("rejects", sentence)


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a target's compiler makes of an island; paths are relative to the island's folder in the plan.

    `files` hold bytes, or the file of the project that is copied. `native` is what the target's client has to know
    of the artifact, as JSON: native names and the like; it goes into the plan.
    """

    files: Mapping[str, bytes | FilePath] = field(default_factory=dict)
    native: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Diagnostic, ...] = ()
    watched: tuple[FilePath, ...] = ()
    """Files and folders of the project that it was made from, there or not."""


ForeignState = Literal["waiting", "running", "succeeded", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class StepStatus:
    """A step on its platform. `not run` is a step that the platform will not start any more."""

    state: Literal["waiting", "running", "succeeded", "failed", "cancelled", "not run"]
    attempt: int = 1
    url: str = ""
    message: str = ""
    """What the platform says of a step that ended badly."""


@dataclass(frozen=True, slots=True)
class Status:
    """A job on its platform: its state, where people look at it, and its steps by id."""

    state: ForeignState
    url: str = ""
    steps: Mapping[str, StepStatus] = field(default_factory=dict)
    message: str = ""
    registered: Mapping[str, str] = field(default_factory=dict)
    """Of a job that succeeded: `<name>:<version>` of each pipeline output that the platform registered."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One island, to be run once. A second submission with the same key is the same job."""

    key: str
    name: str
    run: str
    folder: FilePath
    """Where the island's artifact lies."""
    native: Mapping[str, Any]
    inputs: Mapping[str, Any]
    """The pipeline's inputs that were given: values, and paths on this machine as `Path`."""
    arrivals: Mapping[str, Any] = field(default_factory=dict)
    """Of an island in a mixed pipeline: `{"records": {step: record}, "paths": {"step.port": address}}`."""
    tags: Mapping[str, str] = field(default_factory=dict)
    afresh: Collection[str] = ()
    """Steps that are run whatever the platform still has of earlier runs of theirs."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What `deploy` or `publish` has put on a platform under a pipeline's name."""

    name: str
    target: str
    id: str
    url: str = ""
    digest: str = ""
    schedule: str = ""
    endpoint: str = ""
    """The address at which others call it, if it was published."""


class Client(Protocol):
    """A platform's own SDK behind six questions. It imports the SDK when it is made.

    Every method raises UnreachableError for a platform that did not answer or refused us, after patience of its own,
    and SpecflowError for an artifact that the platform refuses.
    """

    def submit(self, job: Submission) -> str:
        """Return the platform's id of a job; the same for the same key, however often it is asked."""
        ...

    def find(self, key: str, name: str) -> str | None:
        """Return the id of the job that was submitted under a key, None if there is none."""
        ...

    def status(self, job: str) -> Status:
        """Return how a job stands."""
        ...

    def log(self, job: str, step: str) -> str:
        """Return what a step has written so far, its attempts one after the other; empty before it starts."""
        ...

    def cancel(self, job: str) -> None:
        """Ask the platform to end a job; one that has ended stays as it is."""
        ...

    def resume(self, job: str, steps: tuple[str, ...]) -> bool:
        """Have a job that ended go on: run these steps again, and what hung on them. Return False if it can't."""
        ...

    def fetch(self, job: str, step: str, port: str, record: Mapping[str, Any], folder: FilePath) -> FilePath:
        """Return a step's output on this machine: brought into `folder`, under the name that its record says."""
        ...

    def address(self, job: str, step: str, port: str, record: Mapping[str, Any]) -> str:
        """Return where a step's output lies, in the platform's own words, which begin as the store's do there."""
        ...

    def deploy(self, name: str, folder: FilePath, native: Mapping[str, Any], digest: str) -> Deployment:
        """Install a job with its schedule, or bring the one that is there up to date."""
        ...

    def undeploy(self, name: str) -> bool:
        """Remove what `deploy` installed; return whether there was anything."""
        ...

    def deployments(self) -> tuple[Deployment, ...]:
        """Return what `deploy` has installed here."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class Description:
    """What an artifact says: by step, the machine and the environment it gets; and what running it makes there."""

    computes: Mapping[str, str]
    environments: Mapping[str, str]
    creates: tuple[str, ...]


class RunningEmulator(Protocol):
    """A platform on loopback. `settings` are those by which the target's client reaches it."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Return what the client takes in place of the profile's settings."""
        ...

    def start(self) -> None:
        """Begin to listen."""
        ...

    def stop(self) -> None:
        """End it, and all that it runs."""
        ...


class Target(Protocol):
    """A platform. `CAPABILITIES` has an entry for every feature in `specflow.graph.features.FEATURES`."""

    name: str
    CAPABILITIES: Mapping[str, Capability]

    def check(self, graph: Graph, nodes: Mapping[str, Node]) -> tuple[Diagnostic, ...]:
        """Return what this target finds wrong with steps placed on it, beyond its capabilities."""
        ...


class Platform(Target, Protocol):
    """A target elsewhere: its steps are compiled into an artifact, which its client runs."""

    def compile(self, island: Island, workspace: Workspace) -> Compiled:
        """Return an island's artifact. Pure: the same for the same specs, profile and code, wherever it is made."""
        ...

    def client(self, settings: Mapping[str, Any]) -> Client:
        """Return a client for the place that the profile's `targets.<name>` says, or an emulator's `settings`."""
        ...

    def emulator(self, root: FilePath, settings: Mapping[str, Any]) -> RunningEmulator:
        """Return this platform's emulator, not yet started; `settings` are the profile's, which it should fit."""
        ...


class Coordinating(Platform, Protocol):
    """A platform that can coordinate a mixed pipeline: its compiler knows an island's `bridges`; not all do."""

    login_secrets: tuple[str, ...]
    """The variables by which its client logs in somewhere else, where the profile says that these are secrets there."""


class Describing(Protocol):
    """A platform that can say what an artifact of its own would make; not all do."""

    def describe(self, files: Mapping[str, bytes], native: Mapping[str, Any]) -> Description:
        """Return what an artifact says; `files` are its YAML documents, by their paths in its folder."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a profile wants of one platform: `computes` by their neutral names; its address of the exchange store.

    `mark` is the content of the file `MARK` in the store's folder on this machine; empty where the store is no folder.
    """

    computes: Mapping[str, Any] = field(default_factory=dict)
    store: str = ""
    mark: str = ""


MARK = "specflow-doctor"
"""The file by which each side of a store sees whether it is the same place for all; never more than a line."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: how it stands, and what to do about it."""

    what: str
    state: Literal["well", "failed", "left out"]
    message: str
    help: str = ""
    is_unreachable: bool = False
    """Whether it failed because the platform could not be asked."""


class Examining(Protocol):
    """A platform that can look at its own workspace from here; not all do."""

    def examine(self, settings: Mapping[str, Any], wanted: Wanted) -> Iterator[Check]:
        """Yield what is found of login, workspace, computes and store; nothing that others rely on is changed."""
        ...


@dataclass(frozen=True, slots=True)
class Measured:
    """One assumption about a platform: what is assumed, and what was found; None where it could not be measured."""

    name: str
    assumed: bool
    found: bool | None
    note: str = ""
    """Why it could not be measured, in words that name nothing of the workspace."""


class Probing(Protocol):
    """A platform whose assumptions can be measured on a workspace, by small jobs; not all are."""

    def probe(self, settings: Mapping[str, Any], compute: Any) -> Iterator[Measured]:
        """Yield each assumption as it is measured; jobs run on `compute`, the profile's default one."""
        ...


class Restarting(Protocol):
    """A platform whose jobs can't go on once they have ended: a run that is resumed sends a new one there."""

    def runs_anew(self, native: Mapping[str, Any], done: Collection[str]) -> tuple[str, ...]:
        """Return which of the steps that had ended well a new job runs again all the same, by their labels."""
        ...


def is_restarting(which: object) -> TypeGuard[Restarting]:
    """Return whether a target's jobs can't go on once they have ended."""
    return hasattr(which, "runs_anew")


def is_probing(which: object) -> TypeGuard[Probing]:
    """Return whether a target's assumptions can be measured."""
    return hasattr(which, "probe")


def is_examining(which: object) -> TypeGuard[Examining]:
    """Return whether a target can look at its own workspace."""
    return hasattr(which, "examine")


def is_describing(which: object) -> TypeGuard[Describing]:
    """Return whether a target can say what an artifact of its own would make."""
    return hasattr(which, "describe")


def is_coordinating(which: object) -> TypeGuard[Coordinating]:
    """Return whether a target can coordinate a mixed pipeline."""
    return hasattr(which, "login_secrets")


def is_platform(which: Target) -> TypeGuard[Platform]:
    """Return whether a target is elsewhere: it compiles, rather than being run by this machine's engine."""
    return hasattr(which, "compile")


def target_names() -> tuple[str, ...]:
    """Return the names of the installed targets; none of them is imported for it."""
    return tuple(installed_targets())


@cache
def target(name: str) -> Target:
    """Return an installed target by name."""
    module, _, attribute = installed_targets()[name].partition(":")
    loaded: Target = getattr(import_module(module), attribute)
    return loaded


def capability_findings(which: Target, graph: Graph, nodes: Mapping[str, Node]) -> tuple[Diagnostic, ...]:
    """Return a warning for each approximated feature in use, and an error for each rejected one, at its place.

    A feature that many steps use is told once, at its first use: the sentence is the same.
    """
    first: dict[str, Use] = {}
    for use in uses(graph, nodes, which.name):
        first.setdefault(use.feature, use)
    found = []
    for feature in FEATURES:
        use_ = first.get(feature)
        capability = which.CAPABILITIES[feature]
        if use_ is None or capability.support == "implements":
            continue
        report, code = (warning, "approximated") if capability.support == "approximates" else (error, "unsupported")
        found.append(report(code, f"{which.name}: {capability.sentence}", use_.span))
    return tuple(found)
