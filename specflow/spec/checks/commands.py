"""Commands: what they name exists, what is declared is used, and no shell is expected where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from specflow.diagnostics import Diagnostic, Related, error, warning
from specflow.spec.checks.causes import SHOWN
from specflow.spec.checks.context import Body, Context
from specflow.spec.commands import Argument, Command, Group, read_command, read_vector
from specflow.spec.expressions import OPENING, Expression, Reference
from specflow.spec.mentions import mentions
from specflow.spec.scope import Scope
from specflow.spec.source import Path
from specflow.spec.types import Fault, Type, closest, infer

__all__ = ["command_faults", "command_of", "unread_inputs", "unwritten_outputs", "variable_faults"]


def command_of(body: Any) -> tuple[Command | None, tuple[Fault, ...]]:
    """Return the command of a body's `run`, and its faults; None for a script or a body without `run`."""
    run = getattr(body, "run", None)
    if run is None or getattr(body, "shell", None) is not None:
        return None, ()
    if isinstance(run, str):
        return read_command(run)
    if "command" not in body.noted:
        body.noted["command"] = read_vector(run)
    found: tuple[Command, tuple[Fault, ...]] = body.noted["command"]
    return found


def command_faults(context: Context) -> Iterator[Diagnostic]:
    """Yield what is wrong in every `run`: syntax, unknown names, lists and absent values in the wrong place."""
    for body in context.bodies():
        yield from _command_faults(context, body)


def _command_faults(context: Context, body: Body) -> Iterator[Diagnostic]:
    path = (*body.path, "run")
    if any(context.file.lost((*body.path, key)) for key in ("engine", "shell")):
        return
    if body.body.shell is not None:
        yield from _expressions_in_script(context, body, path)
        return
    command, faults = command_of(body.body)
    yield from _told_together([context.diagnostic(path, fault) for fault in faults])
    if command is not None:
        yield from _argument_faults(context, body, command, path)
        yield from _not_for_spark(context, body, command, path)


def _told_together(found: list[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield the faults of a command; all that asks for a shell as one, because one word mends it."""
    yield from (diagnostic for diagnostic in found if diagnostic.code != "shell-syntax")
    asking = [diagnostic for diagnostic in found if diagnostic.code == "shell-syntax"]
    if asking:
        yield replace(asking[0], related=tuple(Related(other.span, "and here") for other in asking[1 : SHOWN + 1]))


def _expressions_in_script(context: Context, body: Body, path: Path) -> Iterator[Diagnostic]:
    script = str(body.body.run)
    start = script.find(OPENING)
    if start >= 0:
        end = script.find("}}", start)
        end = end + 2 if end > 0 else start + 3
        message = "a shell script holds no expressions: text pasted into it could run as code"
        help_ = 'give it through "env:" and read it as "$NAME"'
        yield context.diagnostic(path, Fault("expression-in-script", message, start, end, help_))


def _argument_faults(context: Context, body: Body, command: Command, path: Path) -> Iterator[Diagnostic]:
    for item in command.items:
        arguments = item.arguments if isinstance(item, Group) else (item,)
        absent_allowed = isinstance(item, Group)
        can_vanish = False
        is_known = True
        for argument in arguments:
            for expression in argument.parts:
                if isinstance(expression, str):
                    continue
                kind, faults = infer(expression, body.scope.resolve)
                for fault in faults:
                    is_known = False
                    yield context.diagnostic(path, _within(fault, argument))
                if faults:
                    continue
                can_vanish = can_vanish or (absent_allowed and _can_be_absent(body, expression))
                is_known = is_known and kind.kind != "any"
                yield from _misplaced(context, argument, expression, kind, absent_allowed, path)
        if isinstance(item, Group) and is_known and not can_vanish:
            message = "nothing in this group can be absent, so it never vanishes"
            fault = Fault("idle-group", message, item.start, item.end, "write it without $[[ ]]", _item(item))
            yield context.diagnostic(path, fault, warning)


def _can_be_absent(body: Body, expression: Expression) -> bool:
    """Return whether a value may be null, or an empty list, in some run: any step may end without its outputs."""

    def resolve(reference: Reference) -> Type | Fault:
        found = body.scope.resolve(reference)
        return replace(found, nullable=True) if reference.parts[0] == "steps" and isinstance(found, Type) else found

    kind, _ = infer(expression, resolve)
    return kind.nullable or kind.kind == "null" or kind.many


def _item(group: Group) -> int | None:
    return group.arguments[0].item if group.arguments else None


def _within(fault: Fault, argument: Argument) -> Fault:
    return Fault(fault.code, fault.message, fault.start, fault.end, fault.help, argument.item, fault.related)


def _misplaced(
    context: Context, argument: Argument, expression: Expression, kind: object, absent_allowed: bool, path: Path
) -> Iterator[Diagnostic]:
    many, nullable = getattr(kind, "many", False), getattr(kind, "nullable", False)
    if many and argument.whole is None:
        message = "a list gives one argument per element, so it can't stand inside an argument"
        help_ = "let it be an argument of its own, or join(list, ',')"
        yield context.diagnostic(
            path, Fault("list-not-alone", message, expression.start, expression.end, help_, argument.item)
        )
    if nullable and not absent_allowed:
        message = "this may be absent, and an argument can't be"
        help_ = "put what depends on it into $[[ … ]], or give default(x, y)"
        yield context.diagnostic(
            path, Fault("possibly-absent", message, expression.start, expression.end, help_, argument.item)
        )


def _not_for_spark(context: Context, body: Body, command: Command, path: Path) -> Iterator[Diagnostic]:
    if body.body.engine != "spark" or not command.items:
        return
    word = command.first_word
    if word is None or not word.endswith(".py"):
        shown = f'"{word}"' if word is not None else "an expression"
        message = f"Spark is handed a Python file, and the first word is {shown}"
        first = command.items[0]
        help_ = "begin with the file: run: etl.py --in …"
        item = first.item if isinstance(first, Argument) else None
        yield context.diagnostic(path, Fault("spark-needs-python", message, first.start, first.end, help_, item))


def _has_faults(context: Context, body: Body) -> bool:
    """Return whether something is wrong with what a body says of its ports: it may be that what it should mention."""
    if context.file.is_broken((*body.path, "run")) or context.file.is_broken((*body.path, "env")):
        return True
    found = (*_command_faults(context, body), *_faults_of_variables(context, body.path, body.body, body.scope))
    return any(diagnostic.severity == "error" for diagnostic in found)


def unwritten_outputs(context: Context) -> Iterator[Diagnostic]:
    """Yield declared outputs that neither the command nor a variable names: the step could not write them."""
    for body in context.bodies():
        first, *others = _unmentioned(body, "outputs") or ("",)
        if body.body.run is None or not first or _has_faults(context, body):
            continue
        message = f'the command does not mention the output "{first}", so the step can\'t know where to write it'
        help_ = f"hand it over: --{first.replace('_', '-')} ${{{{ outputs.{first} }}}}"
        if body.body.shell is not None:
            help_ = f"hand it over: env: {{{first.upper()}: ${{{{ outputs.{first} }}}}}}"
        related = (Related(context.file.key_span(*body.path, "outputs", name), f'nor "{name}"') for name in others)
        yield error("unwritten-output", message, context.file.key_span(*body.path, "outputs", first), help_, *related)


def unread_inputs(context: Context) -> Iterator[Diagnostic]:
    """Yield a step file's inputs that its command and variables never name."""
    for body in context.bodies():
        first, *others = _unmentioned(body, "inputs") or ("",)
        if body.body.run is None or not first:
            continue
        message = f'the command never mentions the input "{first}"'
        help_ = f"hand it over: --{first.replace('_', '-')} ${{{{ inputs.{first} }}}}, or leave the input out"
        related = (Related(context.file.key_span("inputs", name), f'nor "{name}"') for name in others)
        yield warning("unread-input", message, context.file.key_span("inputs", first), help_, *related)


def _unmentioned(body: Body, kind: str) -> tuple[str, ...]:
    """Return the declared ports that a body never names; not those that it may name by an unknown name."""
    declared = getattr(body.body, kind)
    named = mentions(body.body, kind)
    unknown = named - set(declared)
    unnamed = tuple(name for name in declared if name not in named)
    if len(unnamed) <= len(unknown):
        return ()
    return tuple(name for name in unnamed if not any(closest(word, [name]) for word in unknown))


def variable_faults(context: Context) -> Iterator[Diagnostic]:
    """Yield what is wrong in the values of `env`, of steps and of the pipeline."""
    if context.file.kind == "step":
        places = [((), context.file.model, context.bodies()[0].scope)]
    else:
        # Every step has the pipeline's variables, so none of them can wait for a step.
        places = [((), context.file.model, context.scope(("inputs", "data", "run", "profile")))]
        own = {body.name: body.scope for body in context.bodies()}
        for name, step in context.file.model.steps.items():
            places.append((("steps", name), step, own.get(name) or context.pipeline_scope(step, name)))  # type: ignore[arg-type]  # () and a pair
    for path, holder, scope in places:
        yield from _faults_of_variables(context, path, holder, scope)


def _faults_of_variables(context: Context, path: Path, holder: Any, scope: Scope) -> Iterator[Diagnostic]:
    for name, value in holder.env.items():
        if isinstance(value, str):
            where = (*path, "env", name)
            kind, found = context.typed_text(where, value, scope)
            yield from found
            if kind is not None and kind.many:
                message = "a variable holds one text, and this is a list"
                yield error("expression-type", message, context.file.span(*where), "join(list, ',') makes one text")
