"""Declared ports: defaults, ranges, choices and patterns that make sense."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specflow.attempt.patterns import PatternError, compile_pattern
from specflow.attempt.values import value_problem
from specflow.diagnostics import Diagnostic, Related, error
from specflow.spec import model
from specflow.spec.checks.context import Context
from specflow.spec.expressions import holds_expression
from specflow.spec.scope import port_type
from specflow.spec.types import fits

__all__ = ["bad_declarations", "is_sound", "port_facts"]


def port_facts(port: model.Input) -> dict[str, Any]:
    """Return what a declared input says of its values, as `value_problem` reads it."""
    if "facts" not in port.noted:
        facts: dict[str, Any] = {"type": port.type}
        for key in ("many", "enum", "minimum", "maximum", "pattern"):
            value = getattr(port, key)
            if value is not None and value is not False:
                facts[key] = list(value) if isinstance(value, tuple) else value
        port.noted["facts"] = facts
    return dict(port.noted["facts"])


def is_sound(port: model.Input) -> bool:
    """Return whether values can be held against a declared input: its pattern and its bounds make sense."""
    if "sound" not in port.noted:
        port.noted["sound"] = _is_sound(port)
    return bool(port.noted["sound"])


def _is_sound(port: model.Input) -> bool:
    try:
        compile_pattern(port.pattern or "")
    except PatternError:
        return False
    if port.type == "integer" and any(isinstance(bound, float) for bound in (port.minimum, port.maximum)):
        return False
    if any(value_problem(choice, {"type": port.type}) is not None for choice in port.enum or ()):
        return False
    return port.minimum is None or port.maximum is None or port.minimum <= port.maximum


def bad_declarations(context: Context) -> Iterator[Diagnostic]:
    """Yield inputs whose default, choices, range or pattern can't hold."""
    for name, port in context.file.model.inputs.items():
        own = list(_bad_pattern(context, name, port)) or list(_bad_bounds(context, name, port))
        yield from own
        if not own:
            yield from _bad_default(context, name, port)


def _bad_pattern(context: Context, name: str, port: model.Input) -> Iterator[Diagnostic]:
    if port.pattern is None:
        return
    try:
        compile_pattern(port.pattern)
    except PatternError as failure:
        path = ("inputs", name, "pattern")
        span = context.file.document.text_span(path, failure.position, failure.position + 1)
        yield error("bad-pattern", failure.message, span)


def _bad_bounds(context: Context, name: str, port: model.Input) -> Iterator[Diagnostic]:
    facts = {"type": port.type}
    for index, choice in enumerate(port.enum or ()):
        problem = value_problem(choice, facts)
        if problem is not None:
            yield error(
                "type-mismatch",
                problem[1],
                context.file.span("inputs", name, "enum", index),
                "mend the choice, or the port's type",
            )
    if port.type == "integer":
        for key in ("minimum", "maximum"):
            if isinstance(getattr(port, key), float):
                message = f"the {key} of an integer is an integer"
                yield error("type-mismatch", message, context.file.span("inputs", name, key))
    if port.minimum is not None and port.maximum is not None and port.minimum > port.maximum:
        other = Related(context.file.span("inputs", name, "maximum"), "the maximum")
        message = f"no value fits: the minimum {port.minimum} is more than the maximum {port.maximum}"
        yield error("empty-range", message, context.file.span("inputs", name, "minimum"), "swap them", other)


def _bad_default(context: Context, name: str, port: model.Input) -> Iterator[Diagnostic]:
    path = ("inputs", name, "default")
    if port.default is None:
        return
    if holds_expression(port.default):
        is_pipeline = context.file.kind == "pipeline"
        scope = context.scope(("data", "run", "profile") if is_pipeline else ("run", "profile"))
        kind, found = context.typed(path, str(port.default), scope)
        yield from found
        if kind is not None and not fits(kind, port_type(port)):
            message = f'the default is {kind.a}, and "{name}" is {port_type(port).a}'
            yield error("bad-default", message, context.file.span(*path))
        return
    problem = value_problem(port.default, port_facts(port))
    if problem is not None:
        yield error("bad-default", f'the default of "{name}" does not fit it: {problem[1]}', context.file.span(*path))
