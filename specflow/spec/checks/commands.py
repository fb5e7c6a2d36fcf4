"""Commands: what they name exists, what is declared is used, and no shell is expected where there is none."""

from __future__ import annotations

from collections.abc import Iterator

from specflow.diagnostics import Diagnostic, error, warning
from specflow.spec.checks.context import Body, Context
from specflow.spec.commands import Argument, Command, Group, read_command, read_vector
from specflow.spec.expressions import OPENING, Expression, parse_template, references
from specflow.spec.expressions import ExpressionError as SyntaxProblem
from specflow.spec.source import Path
from specflow.spec.types import Fault, infer

__all__ = ["command_faults", "command_of", "unread_inputs", "unwritten_outputs", "variable_faults"]


def command_of(body: object) -> tuple[Command | None, tuple[Fault, ...]]:
    """Return the command of a body's `run`, and its faults; None for a script or a body without `run`."""
    run = getattr(body, "run", None)
    if run is None or getattr(body, "shell", None) is not None:
        return None, ()
    return read_command(run) if isinstance(run, str) else read_vector(run)


def command_faults(context: Context) -> Iterator[Diagnostic]:
    """Yield what is wrong in every `run`: syntax, unknown names, lists and absent values in the wrong place."""
    for body in context.bodies():
        path = (*body.path, "run")
        if body.body.shell is not None:
            yield from _expressions_in_script(context, body, path)
            continue
        command, faults = command_of(body.body)
        yield from (context.diagnostic(path, fault) for fault in faults)
        if command is not None:
            yield from _argument_faults(context, body, command, path)
            yield from _not_for_spark(context, body, command, path)


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
                can_vanish = can_vanish or kind.nullable or kind.kind == "null" or kind.many
                is_known = is_known and kind.kind != "any"
                yield from _misplaced(context, argument, expression, kind, absent_allowed, path)
        if isinstance(item, Group) and is_known and not can_vanish:
            message = "nothing in this group can be absent, so it never vanishes"
            fault = Fault("idle-group", message, item.start, item.end, "write it without $[[ ]]", _item(item))
            found = context.diagnostic(path, fault)
            yield warning(found.code, found.message, found.span, found.help)


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


def _texts(body: Body) -> Iterator[str]:
    """Yield every text of a body that may name ports: the command's and the variables'."""
    run = body.body.run
    if body.body.shell is None:
        yield from (run,) if isinstance(run, str) else (item for item in run or () if isinstance(item, str))
    yield from (value for value in body.body.env.values() if isinstance(value, str))


def _named(body: Body, head: str) -> set[str]:
    """Return the ports of a kind (`inputs`, `outputs`) that a body names anywhere."""
    found = set()
    for text in _texts(body):
        for piece in _expressions(text):
            found |= {ref.parts[1] for ref in references(piece) if ref.parts[0] == head and len(ref.parts) > 1}
    return found


def _expressions(text: str) -> tuple[Expression, ...]:
    try:
        return parse_template(text).expressions
    except SyntaxProblem:
        return ()


def _has_syntax_faults(context: Context, body: Body) -> bool:
    if any(fault.code == "expression-syntax" for fault in command_of(body.body)[1]):
        return True
    return context.file.is_broken((*body.path, "run")) or context.file.is_broken((*body.path, "env"))


def unwritten_outputs(context: Context) -> Iterator[Diagnostic]:
    """Yield declared outputs that neither the command nor a variable names: the step could not write them."""
    for body in context.bodies():
        if body.body.run is None or _has_syntax_faults(context, body):
            continue
        named = _named(body, "outputs")
        misspelt = named - set(body.body.outputs)
        for name in body.body.outputs:
            if name in named or _is_meant(name, misspelt):
                continue
            message = f'the command does not mention the output "{name}", so the step can\'t know where to write it'
            help_ = f"hand it over: --{name.replace('_', '-')} ${{{{ outputs.{name} }}}}"
            if body.body.shell is not None:
                help_ = f"hand it over: env: {{{name.upper()}: ${{{{ outputs.{name} }}}}}}"
            yield error("unwritten-output", message, context.file.key_span(*body.path, "outputs", name), help_)


def unread_inputs(context: Context) -> Iterator[Diagnostic]:
    """Yield a step file's inputs that its command and variables never name."""
    for body in context.bodies():
        if body.body.run is None or _has_syntax_faults(context, body):
            continue
        named = _named(body, "inputs")
        misspelt = named - set(body.body.inputs)
        for name in body.body.inputs:
            if name in named or _is_meant(name, misspelt):
                continue
            message = f'the command never mentions the input "{name}"'
            help_ = f"hand it over: --{name.replace('_', '-')} ${{{{ inputs.{name} }}}}, or leave the input out"
            yield warning("unread-input", message, context.file.key_span("inputs", name), help_)


def _is_meant(name: str, misspelt: set[str]) -> bool:
    import difflib

    return any(difflib.get_close_matches(word, [name], n=1, cutoff=0.6) for word in misspelt)


def variable_faults(context: Context) -> Iterator[Diagnostic]:
    """Yield what is wrong in the values of `env`, of steps and of the pipeline."""
    if context.file.kind == "step":
        places = [((), context.file.model, next(context.bodies()).scope)]
    else:
        places = [((), context.file.model, context.pipeline_scope())]
        own = {body.name: body.scope for body in context.bodies()}
        for name, step in context.file.model.steps.items():
            places.append((("steps", name), step, own.get(name) or context.pipeline_scope(step)))  # type: ignore[arg-type]  # () and a pair
    for path, holder, scope in places:
        for name, value in holder.env.items():
            if isinstance(value, str):
                where = (*path, "env", name)
                kind, found = context.typed_text(where, value, scope)
                yield from found
                if kind is not None and kind.many:
                    message = "a variable holds one text, and this is a list"
                    yield error("expression-type", message, context.file.span(*where), "join(list, ',') makes one text")
