"""What a pipeline gives to the ports of the steps it uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specflow.attempt.values import value_problem
from specflow.diagnostics import Diagnostic, Related, error
from specflow.spec import model
from specflow.spec.checks.context import Context
from specflow.spec.checks.ports import is_sound, port_facts
from specflow.spec.expressions import holds_expression
from specflow.spec.load import File
from specflow.spec.scope import Scope, StepSignature, port_type
from specflow.spec.types import Type, closest, fits, nearest

__all__ = ["input_faults"]


def input_faults(context: Context) -> Iterator[Diagnostic]:
    """Yield unknown, missing and misfit inputs of every step."""
    for name, step in context.file.model.steps.items():
        signature = context.signatures.of(context.file, name)
        for port, value in step.inputs.items():
            yield from _given(context, name, step, signature, port, value)
        yield from _missing(context, name, step, signature)


def _given(
    context: Context, name: str, step: model.StepUse, signature: StepSignature, port: str, value: Any
) -> Iterator[Diagnostic]:
    path = ("steps", name, "inputs", port)
    target = (signature.inputs or {}).get(port)
    if signature.inputs is not None and target is None and not _is_told_there(signature, port):
        yield _unknown(context, name, step, signature, port)
    if target is not None and (not is_sound(target) or _is_broken(signature, port)):
        target = None
    items = value if isinstance(value, tuple) else (value,)
    kinds: list[Type | None] = []
    scope: Scope | None = None
    for index, item in enumerate(items):
        where = (*path, index) if isinstance(value, tuple) else path
        if holds_expression(item):
            scope = context.pipeline_scope(step, name) if scope is None else scope
            kind, found = context.typed(where, item, scope)
            yield from found
            kinds.append(kind)
    if target is None or None in kinds:
        return
    if kinds and isinstance(value, tuple):
        yield from _list_with_expressions(context, name, port, target, value, path)
    elif kinds:
        yield from _mismatch(context, name, port, target, kinds[0] or Type("any"), path, signature)
    elif value is not None:
        yield from _literal(context, name, port, target, value, path)


def _unknown(context: Context, name: str, step: model.StepUse, signature: StepSignature, port: str) -> Diagnostic:
    declared = signature.inputs or {}
    message = f'"{name}" has no input "{port}"'
    help_ = nearest(port, declared)
    needed = _without_value(context, name, step, signature)
    if closest(port, declared) is None and needed:
        names = ", ".join(f'"{other}"' for other in needed)
        help_ = f"its input {names} has no value yet" if len(needed) == 1 else f"its inputs {names} have no value yet"
    place = context.file.key_span("steps", name, "inputs", port)
    return error("unknown-input", message, place, help_, *_declared_at(signature))


def _list_with_expressions(
    context: Context, name: str, port: str, target: model.Input, value: tuple[Any, ...], path: tuple[str | int, ...]
) -> Iterator[Diagnostic]:
    if not target.many:
        yield _fed_by_many(context, name, port, Type(target.type, many=True), path)
        return
    single = Type(target.type, format=target.format)
    facts = {**port_facts(target), "many": False}
    for index, item in enumerate(value):
        where = (*path, index)
        if holds_expression(item):
            kind, _ = context.typed(where, item, context.pipeline_scope(context.file.model.steps[name], name))
            if kind is not None and not fits(kind, single):
                message = f'"{name}.{port}" takes a list of {single}, and this element is {kind.a}'
                yield error("type-mismatch", message, context.file.span(*where))
        elif (problem := value_problem(item, facts)) is not None:
            yield error(problem[0], f'"{name}.{port}": {problem[1]}', context.file.span(*where))


def _literal(
    context: Context, name: str, port: str, target: model.Input, value: Any, path: tuple[str | int, ...]
) -> Iterator[Diagnostic]:
    problem = value_problem(value, port_facts(target))
    if problem is None:
        return
    code, message = problem
    help_ = ""
    if code == "many-mismatch":
        help_ = f"write [{value}]" if target.many else "give one value"
        code = "many-fed-by-one" if target.many else "one-fed-by-many"
    elif code == "type-mismatch" and target.type == "string":
        help_ = f'quote it: "{context.file.document.text_at(path)}"'
    yield error(code, f'"{name}.{port}": {message}', context.file.span(*path), help_)


def _mismatch(
    context: Context,
    name: str,
    port: str,
    target: model.Input,
    kind: Type,
    path: tuple[str | int, ...],
    signature: StepSignature,
) -> Iterator[Diagnostic]:
    wanted = port_type(target)
    if fits(kind, wanted):
        return
    span = context.file.span(*path)
    if kind.many and not wanted.many:
        yield _fed_by_many(context, name, port, kind, path)
    elif wanted.many and not kind.many:
        message = f'"{name}.{port}" takes a list of {wanted.kind}, and this is one {kind}'
        yield error(
            "many-fed-by-one",
            message,
            span,
            f"write [{context.file.document.text_at(path)}]",
            *_port_at(signature, port),
        )
    else:
        help_ = _conversion(kind, wanted)
        message = f'"{name}.{port}" is {wanted.a}, and this is {kind.a}'
        yield error("type-mismatch", message, span, help_, *_port_at(signature, port))


def _fed_by_many(context: Context, name: str, port: str, kind: Type, path: tuple[str | int, ...]) -> Diagnostic:
    message = f'"{name}.{port}" takes one value, and this is {kind.a}'
    help_ = (
        'a matrix gives a list: declare the port with "many: true", or give "'
        + name
        + "\" the same matrix's results through such a step"
    )
    return error("one-fed-by-many", message, context.file.span(*path), help_)


def _conversion(kind: Type, wanted: Type) -> str:
    if wanted.kind == "string" and not kind.is_path and not kind.many:
        return "string(x) gives a value's text"
    if kind.kind == wanted.kind and kind.format != wanted.format:
        return f'mend one of the two "format:" keys, or leave one out to take any {wanted.kind}'
    return ""


def _missing(context: Context, name: str, step: model.StepUse, signature: StepSignature) -> Iterator[Diagnostic]:
    unknown = [port for port in step.inputs if port not in (signature.inputs or {})]
    needed = _without_value(context, name, step, signature)
    meant = {closest(port, signature.inputs or {}) for port in unknown}
    needed = [port for port in needed if port not in meant]
    if not needed or None in meant:  # what is needed may be given by a wrong name, and is told there
        return
    names = ", ".join(f'"{port}"' for port in needed)
    wanted = f"a value for its input {names}" if len(needed) == 1 else f"values for its inputs {names}"
    path = ("steps", name, "inputs") if context.file.document.has(("steps", name, "inputs")) else ("steps", name)
    help_ = "add " + " and ".join(f'"{port}: …"' for port in needed) + " to its inputs"
    related = (place for port in needed for place in _port_at(signature, port))
    yield error(
        "missing-input",
        f'"{name}" needs {wanted}',
        context.file.key_span(*path),
        help_,
        *related,
    )


def _without_value(context: Context, name: str, step: model.StepUse, signature: StepSignature) -> list[str]:
    """Return the inputs of a step that need a value and are given none."""
    return [
        port
        for port, declared in (signature.inputs or {}).items()
        if port not in step.inputs
        and not declared.optional
        and declared.default is None
        and not context.file.is_broken(("steps", name, "inputs", port))
        and not _is_broken(signature, port)
    ]


def _is_broken(signature: StepSignature, port: str) -> bool:
    return signature.file is not None and signature.file.is_broken(("inputs", port))


def _is_told_there(signature: StepSignature, port: str) -> bool:
    """Return whether the used file is at fault: it lost the port to a mistake, or reads it without declaring it."""
    is_lost = signature.file is not None and signature.file.lost(("inputs", port))
    return is_lost or signature.mentions("inputs", port)


def _declared_at(signature: StepSignature) -> tuple[Related, ...]:
    file: File | None = signature.file
    if file is None or not file.document.has(("inputs",)):
        return ()
    names = ", ".join(sorted(signature.inputs or {})) or "none"
    return (Related(file.key_span("inputs"), f'inputs of "{file.model.name}": {names}'),)


def _port_at(signature: StepSignature, port: str) -> tuple[Related, ...]:
    file = signature.file
    if file is None or not file.document.has(("inputs", port)):
        return ()
    return (Related(file.key_span("inputs", port), "declared here"),)
