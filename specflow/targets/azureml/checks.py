"""What is wrong with steps placed on Azure ML that no capability says: values that it has no word for, names, sizes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from specflow.diagnostics import Diagnostic, Span, error, warning
from specflow.graph.locations import leads_away
from specflow.graph.model import Graph, Node, PipelineOutput
from specflow.spec import model
from specflow.spec.checks.files import is_address
from specflow.targets.azureml.computes import compute_faults
from specflow.targets.azureml.environments import environment_faults
from specflow.targets.azureml.natives import native_faults
from specflow.targets.azureml.schedules import schedule_faults
from specflow.targets.azureml.verdicts import may_be_null, skippable

__all__ = [
    "LARGE_CODE",
    "UNSAFE",
    "graph_faults",
    "large_code",
    "outputs_left_out",
    "profile_faults",
    "promises_of_a_schedule",
    "refusal_of",
    "unsafe_names",
]

LARGE_CODE = 100 * 1024 * 1024
"""Bytes of a code folder above which azure-ai-ml 1.35.2 warns."""

UNSAFE = re.compile(r'[$`"\\\x00-\x1f\x7f]')
"""What bash does not leave as it is between double quotes, where Azure ML puts the paths of what it mounts; and what no
line can hold."""

_MOUNTED = re.compile(r"azureml:|(abfss?|wasbs?)://|https://[^/]+\.(blob|dfs)\.core\.[a-z0-9.]+/", re.IGNORECASE)


def graph_faults(graph: Graph, nodes: Mapping[str, Node]) -> Iterator[Diagnostic]:
    """Yield what can be said without a profile."""
    yield from schedule_faults(graph)
    yield from _addresses(graph)
    yield from _registered_twice(graph)
    yield from _registered_absent(graph)
    for node in nodes.values():
        yield from _vanishing_commands(node)
        if node.kind == "native":
            yield from native_faults(node, graph, nodes)
        if node.engine == "spark":
            yield from _spark_faults(node)


def profile_faults(nodes: Iterable[Node], profile: model.Profile) -> Iterator[Diagnostic]:
    """Yield what the profile leaves open: computes, environments, secrets."""
    told: set[str] = set()
    for node in nodes:
        found = (
            *compute_faults(node, profile, node.span_of("compute")),
            *environment_faults(node, profile, node.span_of("environment")),
            *_secret_faults(node, profile),
        )
        yield from (each for each in found if each.message not in told)
        told |= {each.message for each in found}


def large_code(node: Node, size: int) -> Diagnostic:
    """Return the warning for a code folder that is sent again with every change, and is large."""
    message = f'the code of "{node.label}" has {size / 1024 / 1024:.0f} MiB, all of which is sent with every change'
    help_ = "leave out what the step does not need, by .specflowignore, or give it as data"
    return warning("large-code", message, node.span_of("code"), help_)


def unsafe_names(data: Mapping[str, Mapping[str, Any]], place_of: Callable[[str], Span]) -> Iterator[Diagnostic]:
    """Yield the data whose names a shell would read more into, where they stand in a command."""
    for key, entry in data.items():
        name = str(entry.get("address") or entry["path"].split("/")[-1])
        if UNSAFE.search(name):
            yield error("unsupported", f"azureml: {refusal_of(name)}", place_of(key), "give it another name")


def refusal_of(name: str) -> str:
    """Return what is said of a name that has what `UNSAFE` finds."""
    return f"a shell there would read more into {json.dumps(name, ensure_ascii=False)}, for a command names it"


def _addresses(graph: Graph) -> Iterator[Diagnostic]:
    for ref in graph.data.values():
        location = ref.location if isinstance(ref.location, str) else ref.location.get("azureml", "")
        if (is_address(location) and not _MOUNTED.match(location)) or location.startswith("/"):
            place = (*ref.place, "location") if isinstance(ref.location, str) else (*ref.place, "location", "azureml")
            message = f'azureml: "{location}" is no address that is mounted there'
            help_ = "use azureml://datastores/…, abfss://…, wasbs://… or https://<account>.blob.core.windows.net/…"
            yield error("unsupported", message, ref.file.span(*place), help_)
        elif is_address(location) and ref.source.sha256 is not None:
            message = "azureml: what lies at an address is taken as it is, whatever its digest"
            yield warning("approximated", message, ref.file.key_span(*ref.place, "sha256"))
    for name, output in graph.outputs.items():
        place_ = _told(output) if leads_away(output.location) else "azureml://"
        if not place_.startswith("azureml://"):
            message = f'azureml: an output can\'t be written to "{place_}"'
            help_ = "use azureml://datastores/<name>/paths/…"
            yield error("unsupported", message, graph.file.span("outputs", name, "location"), help_)
        elif UNSAFE.search(place_):
            message = f"azureml: {refusal_of(place_)}"
            yield error("unsupported", message, graph.file.span("outputs", name, "location"), "give it another name")


def promises_of_a_schedule(graph: Graph, made: Mapping[str, Mapping[str, Any]]) -> Iterator[Diagnostic]:
    """Yield the outputs that a scheduled run can't put where they should go: nobody tells it inputs, or the date."""
    for name, entry in made.items() if graph.schedule is not None else ():
        output = graph.outputs[name]
        for key, said, is_promised in (
            ("location", "path", leads_away(output.location)),
            ("register", "name", output.register_name is not None),
        ):
            if is_promised and said not in entry:
                message = f'azureml: where "{name}" goes hangs on what only `specflow run` knows, and no scheduled run'
                place = graph.file.key_span("outputs", name, key)
                yield warning("approximated", message, place, "name inputs with a default, or `run.id` in a `location`")


def _told(output: PipelineOutput) -> str:
    """Return what is known of an address before the run: all of it, or its texts between expressions."""
    tree = output.location
    assert tree is not None
    parts = tree[1:] if tree[0] == "text" else [tree]
    return "".join(str(part[1]) for part in parts if part[0] == "value")


def outputs_left_out(graph: Graph, nodes: Mapping[str, Node]) -> Iterator[Diagnostic]:
    """Yield the outputs of a mixed pipeline that its part here can't write to where they should go."""
    for name, output in graph.outputs.items():
        if leads_away(output.location) and output.tree[0] == "output" and output.tree[1] in nodes:
            message = "azureml: an output goes to an address only where all steps are on azureml"
            yield error(
                "unsupported", message, graph.file.span("outputs", name, "location"), "name a place in the project"
            )


def _registered_twice(graph: Graph) -> Iterator[Diagnostic]:
    first: dict[str, str] = {}
    for name, output in graph.outputs.items():
        if output.register_name is None or output.register_name[0] != "value":
            continue
        key = repr((output.register_name, output.register_version))
        if key in first:
            message = f'azureml: "{first[key]}" and "{name}" are registered under the same name and version'
            yield error(
                "unsupported", message, graph.file.key_span("outputs", name, "register"), "give one another name"
            )
        first.setdefault(key, name)


def _registered_absent(graph: Graph) -> Iterator[Diagnostic]:
    skips = skippable(graph)
    for name, output in graph.outputs.items():
        if output.register_name is not None and output.optional and may_be_null(output.tree, graph, skips):
            message = f'azureml: "{name}" may be absent, and something would be registered all the same'
            place = graph.file.key_span("outputs", name, "register")
            yield error("unsupported", message, place, "make it required: a run without it then fails")


def _vanishing_commands(node: Node) -> Iterator[Diagnostic]:
    if node.command and all(tree[0] == "group" for tree in node.command):
        message = f'nothing is left of the command of "{node.label}" where its optional values are absent'
        yield error("empty-command", message, node.span_of("run"), "begin with a program, outside of $[[ ]]")


def _spark_faults(node: Node) -> Iterator[Diagnostic]:
    """Yield what a driver and executors that Azure makes can't be given."""
    needs = node.environment.needs if node.environment is not None else None
    if needs is not None and needs.wheels:
        message = f'azureml: "{node.label}" runs on Spark, whose executors can\'t be given wheels'
        help_ = "publish them to an index and name them in `dependencies`, or bind a registered environment"
        yield error("unsupported", message, node.span_of("environment"), help_)
    if needs is not None and needs.image is not None:
        message = f'azureml: "{node.label}" runs on Spark, which comes with an image of its own'
        yield error("unsupported", message, node.span_of("environment"), "name what it needs in `dependencies`")


def _secret_faults(node: Node, profile: model.Profile) -> Iterator[Diagnostic]:
    for name in node.secrets:
        bound = profile.secrets.get(name, {}).get("azureml")
        if bound is not None and set(bound) != {"key_vault", "name"}:
            message = f'the profile binds the secret "{name}" without a key vault and a name'
            help_ = "write azureml: {key_vault: <vault>, name: <secret>}"
            yield error("secret-unavailable", message, node.span_of("secrets"), help_)
