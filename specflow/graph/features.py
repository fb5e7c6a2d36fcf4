"""The features of the language, and where a graph uses each: what targets declare themselves on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from specflow.diagnostics import Span
from specflow.graph.locations import leads_away
from specflow.graph.model import Graph, Node
from specflow.spec import model
from specflow.spec.checks.files import is_address

__all__ = ["FEATURES", "Use", "uses"]

FEATURES: Mapping[str, str] = {
    "run": "a command",
    "shell": "a bash script",
    "notebook.ipynb": "a Jupyter notebook",
    "notebook.databricks": "a Databricks source notebook",
    "native": "a native step: `x-<target>` alone",
    "engine.spark": "`engine: spark`",
    "matrix": "instances by `matrix`",
    "when": "conditions",
    "after": "order without data",
    "retry": "further attempts after a failure",
    "timeout": "a limit on each attempt",
    "pipeline.timeout": "a limit on the whole run",
    "fail_fast": "a failure starts nothing new",
    "concurrency": "a limit on steps at once",
    "cache": "`cache: false`: run every time",
    "many": "ports that take lists",
    "values": "value outputs",
    "metrics": "metrics outputs",
    "env": "environment variables",
    "secrets": "secrets",
    "environment.python": "Python versions",
    "environment.dependencies": "requirement lines",
    "environment.requirements": "a requirements file",
    "environment.wheels": "wheel files",
    "environment.conda": "a conda file",
    "environment.image": "a container image",
    "environment.registered": "an environment that the profile registers",
    "compute.cpus": "processor cores",
    "compute.memory": "memory",
    "compute.gpus": "graphics processors",
    "compute.nodes": "several machines",
    "compute.autoscale": "machines between two bounds",
    "compute.spot": "machines that may be taken away",
    "access.download": "private copies of inputs",
    "access.direct": "inputs as addresses",
    "data.address": "data at an address",
    "data.sha256": "data with a digest",
    "output.register": "registered outputs",
    "output.location": "outputs at a place in the project",
    "output.address": "outputs at an address",
    "schedule": "schedules",
    "notify": "notifications",
    "tags": "tags",
    "extension": "`x-<target>` patches for this target",
}
"""Every feature, with the words that the capability matrix in the docs shows."""


Locate = Callable[[], Span]
"""Finds a place when it is asked for: of most uses nobody wants it."""


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a feature: where, and by which step (none: the pipeline as a whole)."""

    feature: str
    locate: Locate
    node: str | None = None

    @property
    def span(self) -> Span:
        """Return the place."""
        return self.locate()


def uses(graph: Graph, nodes: Mapping[str, Node], target: str) -> Iterator[Use]:
    """Yield every use of a feature by these nodes of a graph, and by the pipeline as a whole.

    `target` is where the nodes run: a patch for another one is no use of anything there.
    """
    yield from _of_pipeline(graph, target)
    for node in nodes.values():
        for feature, locate in _of_node(node, target):
            yield Use(feature, locate, node.id)


def _of_pipeline(graph: Graph, target: str) -> Iterator[Use]:
    file = graph.file
    if target in graph.extensions:
        yield Use("extension", partial(file.key_span, f"x-{target}"))
    if file.kind == "pipeline":
        for feature, key in (
            ("pipeline.timeout", "timeout"),
            ("fail_fast", "fail_fast"),
            ("concurrency", "concurrency"),
            ("schedule", "schedule"),
            ("notify", "notify"),
        ):
            if getattr(file.model, key):
                yield Use(feature, partial(file.key_span, key))
        for name, output in file.model.outputs.items():
            if output.registered is not None:
                yield Use("output.register", partial(file.key_span, "outputs", name, "register"))
            if output.location is not None:
                feature = "output.address" if leads_away(graph.outputs[name].location) else "output.location"
                yield Use(feature, partial(file.key_span, "outputs", name, "location"))
    if file.model.tags:
        yield Use("tags", partial(file.key_span, "tags"))
    for data in graph.data.values():
        place = partial(data.file.span, *data.place, "location")
        if isinstance(data.location, str) and is_address(data.location):
            yield Use("data.address", place)
        if data.source.sha256 is not None:
            yield Use("data.sha256", partial(data.file.key_span, *data.place, "sha256"))


def _of_node(node: Node, target: str) -> Iterator[tuple[str, Locate]]:
    def at(key: str) -> Locate:
        return partial(node.span_of, key)

    yield from _of_body(node, at("run"), at("notebook"), at("engine"))
    given = {
        "matrix": bool(node.matrix),
        "when": any(condition.when is not None for condition in node.conditions),
        "after": node.file.document.has((*node.place, "after")),
        "retry": node.retry is not None,
        "timeout": node.timeout is not None,
        "cache": not node.cache,
        "env": bool(node.env),
        "secrets": bool(node.secrets),
    }
    for feature, is_used in given.items():
        if is_used:
            yield feature, at(feature)
    yield from _of_ports(node, at("inputs"), at("outputs"))
    yield from _of_environment(node, at("environment"))
    yield from _of_compute(node, at("compute"))
    if node.kind != "native" and target in node.extensions:
        yield "extension", at(f"x-{target}")


def _of_body(node: Node, run: Locate, notebook: Locate, engine: Locate) -> Iterator[tuple[str, Locate]]:
    if node.kind == "native":
        yield "native", partial(node.file.key_span, *node.place)
    elif node.kind == "notebook":
        is_jupyter = node.notebook is not None and node.notebook.suffix == ".ipynb"
        yield "notebook.ipynb" if is_jupyter else "notebook.databricks", notebook
    elif node.kind == "script":
        yield "shell", run
    else:
        yield "run", run
    if node.engine == "spark":
        yield "engine.spark", engine


def _of_ports(node: Node, inputs: Locate, outputs: Locate) -> Iterator[tuple[str, Locate]]:
    for port in node.inputs.values():
        if port.facts.get("many"):
            yield "many", inputs
        access = port.facts.get("access")
        if access is not None and not (access == "direct" and node.engine == "spark"):  # Spark has addresses anyway
            yield f"access.{access}", inputs
    for output in node.outputs.values():
        if output.type == "metrics":
            yield "metrics", outputs
        elif output.type not in model.PATH_TYPES:
            yield "values", outputs


def _of_environment(node: Node, place: Locate) -> Iterator[tuple[str, Locate]]:
    environment = node.environment
    if environment is None:
        return
    if environment.needs is None:
        yield "environment.registered", place
        return
    for key in ("python", "dependencies", "requirements", "wheels", "conda", "image"):
        if getattr(environment.needs, key):
            yield f"environment.{key}", place


def _of_compute(node: Node, place: Locate) -> Iterator[tuple[str, Locate]]:
    need = node.compute_need
    if need is None:
        return
    for key in ("cpus", "memory", "gpus", "nodes", "autoscale", "spot"):
        if getattr(need, key):
            yield f"compute.{key}", place
