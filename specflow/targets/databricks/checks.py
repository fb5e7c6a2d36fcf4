"""The platform's limits, told at their place in the spec before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from specflow.diagnostics import Diagnostic, Span, error, warning
from specflow.graph.islands import Island
from specflow.graph.model import Graph, Node
from specflow.targets.databricks.names import (
    FORBIDDEN_IN_TAGS,
    LATER_TAGS,
    MAX_DESCRIPTION,
    MAX_PARAMETER_BYTES,
    MAX_SECONDS,
    MAX_TAG_NAME,
    MAX_TAG_TEXT,
    MAX_TAGS,
    MAX_TASK_KEY,
    MAX_TASKS,
    parameter_bytes,
)
from specflow.targets.databricks.natives import is_between
from specflow.targets.databricks.schedule import fires_at_clock_changes

__all__ = ["limits", "reference_faults", "spec_faults"]

LATIN_1 = 0xFF
"""The last character of that set, of which tags are made. Source: databricks/cli, libs/tags/latin.go."""


def spec_faults(graph: Graph, nodes: Mapping[str, Node]) -> Iterator[Diagnostic]:
    """Yield what a spec says that the platform can't take, as far as the graph alone tells."""
    yield from _natives_of_others(nodes)
    yield from _names_too_long(nodes)
    yield from _tags(graph)
    yield from _description(graph)
    yield from _references(graph, nodes)
    yield from _clock_changes(graph)
    for node in nodes.values():
        if is_between(node):
            yield from _beyond_the_launcher(node)


def limits(island: Island, settings: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Yield where a job is larger than the platform's limits."""
    graph, tasks = island.graph, settings.get("tasks", [])
    head = graph.file.key_span("steps") if graph.file.kind == "pipeline" else graph.file.key_span("name")
    if len(tasks) > MAX_TASKS:
        message = f"it takes {len(tasks)} tasks, and a job on Databricks has at most {MAX_TASKS}"
        way_out = "make steps that do more at once, or split the pipeline in two"
        yield error("platform-limit", message, head, way_out)
    count = len(settings.get("tags", {})) + LATER_TAGS
    if count > MAX_TAGS:
        message = f"{count} tags, specflow's own among them, and a job on Databricks has at most {MAX_TAGS}"
        yield error("platform-limit", message, graph.file.key_span("tags"), "leave some out")
    size = parameter_bytes({one["name"]: one["default"] for one in settings.get("parameters", ())})
    if size > MAX_PARAMETER_BYTES:
        message = f"the inputs take {size} bytes as job parameters, and Databricks allows {MAX_PARAMETER_BYTES}"
        yield error("platform-limit", message, graph.file.key_span("inputs"), "pass a file instead of many values")
    if _is_too_long(settings):
        yield _too_long(graph.file.key_span("timeout"), settings)
    for task in tasks:
        body = task.get("spark_python_task", {})
        size = parameter_bytes(body.get("parameters", ()))
        node = island.nodes.get(task["task_key"])
        if size > MAX_PARAMETER_BYTES and node is not None:
            message = f'"{node.label}" takes {size} bytes of parameters, and Databricks allows {MAX_PARAMETER_BYTES}'
            place = node.file.key_span(*node.place)
            yield error("platform-limit", message, place, "pass a file instead of many values")
        if _is_too_long(task) and node is not None:
            yield _too_long(node.span_of("timeout"), task)


def _is_too_long(limited: Mapping[str, Any]) -> bool:
    limit = limited.get("timeout_seconds", 0)
    return isinstance(limit, int) and limit > MAX_SECONDS


def _too_long(place: Span, limited: Mapping[str, Any]) -> Diagnostic:
    message = f"it would be given {limited['timeout_seconds']} s, and Databricks takes at most {MAX_SECONDS}"
    return error("platform-limit", message, place, "leave it out: then nothing ends it")


def _natives_of_others(nodes: Mapping[str, Node]) -> Iterator[Diagnostic]:
    for node in nodes.values():
        if node.kind == "native" and "databricks" not in node.extensions:
            native = next(iter(node.extensions))
            place = node.file.key_span(*node.place, f"x-{native}")
            message = f'"{node.label}" is a native step of "{native}", and it is placed on "databricks"'
            yield error("native-elsewhere", message, place, f"add target: {native}")


def _beyond_the_launcher(node: Node) -> Iterator[Diagnostic]:
    """Yield what a step can't have that the platform runs by itself."""
    if node.notebook is not None:
        for key, is_used, way_out in (
            ("env", bool(node.env), "give it what it needs as inputs, which are its widgets"),
            ("secrets", bool(node.secrets), "read them in the notebook: dbutils.secrets.get(scope, key)"),
        ):
            if is_used:
                message = f"a Databricks source notebook gets no `{key}` of its step"
                yield error("unsupported", f"databricks: {message}", node.span_of(key), way_out)
    retry = node.retry
    if retry is not None and retry.attempts > 1 and (retry.delay != "1s" or retry.backoff != 1):
        message = "tried again `delay` after the attempt before began, without `backoff`"
        yield warning(
            "approximated", f"databricks: a step that the platform runs itself is {message}", node.span_of("retry")
        )
    if retry is not None and retry.attempts > 1 and node.kind == "native" and node.outputs:
        message = "databricks: all attempts at a native step write to one place, and may find what one before left"
        yield warning("approximated", message, node.span_of("retry"), "have it replace what is there")


def _names_too_long(nodes: Mapping[str, Node]) -> Iterator[Diagnostic]:
    for node in nodes.values():
        # Native steps have tasks around them, whose keys are longer.
        most = MAX_TASK_KEY - (len("__decide") if node.kind in ("native", "notebook") else 0)
        if len(node.id) > most:
            message = (
                f'a task on Databricks would be named "{node.id}", with {len(node.id)} characters of at most {most}'
            )
            yield error("platform-limit", message, node.file.key_span(*node.place), "shorten one of the names")


def _tags(graph: Graph) -> Iterator[Diagnostic]:
    for name, text in graph.tags.items():
        for problem, place in (
            (_problem_of_tag("the name of a tag", name, MAX_TAG_NAME, FORBIDDEN_IN_TAGS), graph.file.key_span),
            (_problem_of_tag("the text of a tag", text, MAX_TAG_TEXT, ""), graph.file.span),
        ):
            if problem:
                yield error("platform-limit", problem, place("tags", name), "write it in another way")


def _problem_of_tag(what: str, text: str, most: int, forbidden: str) -> str:
    """Return why a text can't be a tag's name or its text; empty if it can."""
    if len(text) > most:
        return f"{what} has {len(text)} characters, and Databricks takes at most {most}"
    strange = next((sign for sign in text if sign in forbidden or ord(sign) > LATIN_1), "")
    return f'{what} holds "{strange}", which Databricks does not take there' if strange else ""


def _description(graph: Graph) -> Iterator[Diagnostic]:
    size = len(graph.description or "")
    if size > MAX_DESCRIPTION:
        message = f"the description has {size} characters, and a job on Databricks at most {MAX_DESCRIPTION}"
        yield error("platform-limit", message, graph.file.key_span("description"), "shorten it")


def _references(graph: Graph, nodes: Mapping[str, Node]) -> Iterator[Diagnostic]:
    """Yield texts that the bundle's tools would take for references of their own: there is no escape for `${`.

    Source: databricks/cli#6480.
    """
    texts = [(graph.description, ("description",)), *((text, ("tags", tag)) for tag, text in graph.tags.items())]
    if graph.notify is not None:
        told = {name: value for name, value in graph.notify.plain().items() if value}
        texts += [(address, ("notify", event)) for event, addresses in told.items() for address in addresses]
    for text, place in texts:
        yield from reference_faults(text, partial(graph.file.span, *place))
    for node in nodes.values():
        if node.notebook is not None:
            yield from reference_faults(node.notebook.name, partial(node.span_of, "notebook"))


def reference_faults(
    text: str, locate: Callable[[], Span], signs: Sequence[str] = ("${", "{{")
) -> Iterator[Diagnostic]:
    """Yield why a text can't stand in a bundle, if it can't; `{{` means something in a job only."""
    for sign in signs:
        if sign in text:
            message = f'"{sign}" is taken for a reference on Databricks, and can\'t be escaped here'
            yield error("platform-reference", message, locate(), "write it in another way")
            return


def _clock_changes(graph: Graph) -> Iterator[Diagnostic]:
    schedule = graph.schedule
    if schedule is None or not fires_at_clock_changes(schedule.cron, schedule.timezone):
        return
    message = f'it fires at times that a clock change in "{schedule.timezone}" leaves out or repeats'
    yield warning(
        "clock-change",
        message,
        graph.file.span("schedule", "cron"),
        "Databricks may then fire once more or not at all; choose another time, or UTC",
    )
