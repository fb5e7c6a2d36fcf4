"""What a pipeline as a whole says: its outputs, its schedule, and inputs that nothing reads."""

from __future__ import annotations

from collections.abc import Iterator

from specflow.diagnostics import Diagnostic, error, warning
from specflow.spec.checks.context import Context
from specflow.spec.checks.files import is_address, paths_of_others, unknown_protocols
from specflow.spec.cron import CronError, parse_cron, unknown_timezone
from specflow.spec.expressions import Reference, holds_expression, parse_template
from specflow.spec.mentions import mentions
from specflow.spec.source import Path
from specflow.spec.types import Type, fits

__all__ = ["output_faults", "schedule_faults", "unread_inputs"]


def output_faults(context: Context) -> Iterator[Diagnostic]:
    """Yield outputs that are no step's output."""
    for name, output in context.file.model.outputs.items():
        path = ("outputs", name, "from")
        kind, found = context.typed(path, output.source, context.pipeline_scope())
        yield from found
        if kind is not None:
            whole = parse_template(output.source).whole
            if not isinstance(whole, Reference) or whole.parts[0] != "steps":
                message = "a pipeline's output is one output of one of its steps"
                help_ = "write ${{ steps.<step>.outputs.<name> }}"
                yield error("output-source", message, context.file.span(*path), help_)
            else:
                yield from _format_fault(context, name, kind)
        yield from _texts_of_output(context, name)


def _format_fault(context: Context, name: str, kind: Type) -> Iterator[Diagnostic]:
    output = context.file.model.outputs[name]
    if output.format is None or kind.kind == "any":
        return
    if not kind.is_path:
        message = f"a format describes paths, and this output is {kind.a}"
        yield error("type-mismatch", message, context.file.span("outputs", name, "format"), "leave it out")
    elif not fits(kind, Type(kind.kind, kind.many, format=output.format)):
        message = f"the output's source is {kind.a}"
        yield error(
            "type-mismatch", message, context.file.span("outputs", name, "format"), "leave it out, or mend one of them"
        )


def _texts_of_output(context: Context, name: str) -> Iterator[Diagnostic]:
    output = context.file.model.outputs[name]
    scope = context.scope(("inputs", "run", "profile"))
    texts: list[tuple[Path, str | None]] = [(("outputs", name, "location"), output.location)]
    if output.registered is not None:
        texts.append((("outputs", name, "register", "name"), output.registered.name))
        texts.append((("outputs", name, "register", "version"), output.registered.version or None))
    for path, text in texts:
        if text is None:
            continue
        kind, found = context.typed(path, text, scope)
        yield from found
        if kind is not None and kind.nullable:
            message = "this may be absent, and then there is no place or name for the output"
            yield error("possibly-absent", message, context.file.span(*path), "give default(x, y)")
        if path[-1] == "location" and not holds_expression(text):
            yield from (unknown_protocols if is_address(text) else paths_of_others)(context, path, text)


def schedule_faults(context: Context) -> Iterator[Diagnostic]:
    """Yield crons that aren't, time zones that nobody knows, and inputs that nobody gives a value at those times."""
    schedule = context.file.model.schedule
    if schedule is None:
        return
    try:
        parse_cron(schedule.cron)
    except CronError as failure:
        end = failure.offset + max(failure.length, 1)
        span = context.file.document.text_span(("schedule", "cron"), failure.offset, end)
        yield error("bad-cron", failure.message, span)
    help_ = unknown_timezone(schedule.timezone)
    if help_ is not None:
        message = f'there is no time zone "{schedule.timezone}"'
        yield error("bad-timezone", message, context.file.span("schedule", "timezone"), help_)
    for name, port in context.file.model.inputs.items():
        if port.default is None and not port.optional and not context.file.is_broken(("inputs", name)):
            message = f'nobody gives "{name}" a value when the schedule starts the pipeline'
            span = context.file.key_span("inputs", name)
            yield error("missing-input", message, span, "give it a default, or make it optional")


def unread_inputs(context: Context) -> Iterator[Diagnostic]:
    """Yield inputs that no step and no output reads."""
    read = mentions(context.file.model, "inputs")
    for name in context.file.model.inputs:
        if name not in read:
            message = f'nothing in the pipeline reads the input "{name}"'
            yield warning("unread-input", message, context.file.key_span("inputs", name), "read it, or leave it out")
