"""Which names of a kind (`inputs`, `outputs`, …) the texts of a spec mention."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specflow.spec import model
from specflow.spec.expressions import Expression, ExpressionError, holds_expression, parse_template, references

__all__ = ["expressions_in", "mentions", "texts_of_body", "texts_of_pipeline", "texts_of_step"]


def mentions(document: Any, head: str) -> frozenset[str]:
    """Return the names that follow `head.` in the expressions of a step file, a step in place, or a pipeline file."""
    if isinstance(document, model.Pipeline):
        texts = texts_of_pipeline(document)
    else:
        texts = texts_of_step(document) if isinstance(document, model.StepUse) else texts_of_body(document)
    found = (ref for text in texts for expression in expressions_in(text) for ref in references(expression))
    return frozenset(ref.parts[1] for ref in found if ref.parts[0] == head and len(ref.parts) > 1)


def expressions_in(text: str) -> tuple[Expression, ...]:
    """Return the expressions in a text; none where it does not parse, which is told elsewhere."""
    try:
        return parse_template(text).expressions
    except ExpressionError:
        return ()


def texts_of_body(body: Any) -> Iterator[str]:
    """Yield the texts that a body's step is given: its command's, unless that is a script, and its variables'."""
    run = body.run
    if body.shell is None and run is not None:
        yield from _with_expressions((run,) if isinstance(run, str) else run)
    yield from _with_expressions(body.env.values())


def texts_of_step(step: model.StepUse) -> Iterator[str]:
    """Yield every text of a pipeline's step that may hold an expression."""
    yield from texts_of_body(step)
    yield from _with_expressions((step.when,))
    for value in step.inputs.values():
        yield from _with_expressions(value if isinstance(value, tuple) else (value,))


def texts_of_pipeline(pipeline: model.Pipeline) -> Iterator[str]:
    """Yield every text of a pipeline that may hold an expression."""
    yield from _with_expressions(pipeline.env.values())
    for step in pipeline.steps.values():
        yield from texts_of_step(step)
    for output in pipeline.outputs.values():
        registered = output.registered
        names = (registered.name, registered.version) if registered is not None else ()
        yield from _with_expressions((output.source, output.location, *names))


def _with_expressions(values: Any) -> Iterator[str]:
    yield from (value for value in values if holds_expression(value))
