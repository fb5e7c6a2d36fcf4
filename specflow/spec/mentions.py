"""Which names of a kind (`inputs`, `outputs`, …) the texts of a spec mention."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from specflow.spec import model
from specflow.spec.expressions import Expression, ExpressionError, holds_expression, parse_template, references

__all__ = ["expressions_in", "mentioned", "mentions", "texts_of_body", "texts_of_pipeline", "texts_of_step"]


def mentions(document: Any, head: str) -> frozenset[str]:
    """Return the names that follow `head.` in the expressions of a step file, a step in place, or a pipeline file."""
    return frozenset(mentioned(document, head))


def mentioned(document: Any, head: str) -> Iterable[str]:
    """Return the same, each once, in the order in which they are named."""
    if "mentions" not in document.noted:
        document.noted["mentions"] = _all_mentions(document)
    found: Iterable[str] = document.noted["mentions"].get(head, ())
    return found


def _all_mentions(document: Any) -> dict[str, dict[str, None]]:
    """Return the names by what stands before them."""
    found: dict[str, dict[str, None]] = {}
    if isinstance(document, model.Pipeline):
        texts = _own_texts(document)
        for step in document.steps.values():
            mentioned(step, "")
            for head, names in step.noted["mentions"].items():
                found.setdefault(head, {}).update(names)
    else:
        texts = texts_of_step(document) if isinstance(document, model.StepUse) else texts_of_body(document)
    for text in texts:
        for expression in expressions_in(text):
            for ref in references(expression):
                if len(ref.parts) > 1:
                    found.setdefault(ref.parts[0], {})[ref.parts[1]] = None
    return found


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
    yield from _own_texts(pipeline)
    for step in pipeline.steps.values():
        yield from texts_of_step(step)


def _own_texts(pipeline: model.Pipeline) -> Iterator[str]:
    yield from _with_expressions(pipeline.env.values())
    for output in pipeline.outputs.values():
        registered = output.registered
        names = (registered.name, registered.version) if registered is not None else ()
        yield from _with_expressions((output.source, output.location, *names))


def _with_expressions(values: Any) -> Iterator[str]:
    for value in values:
        if holds_expression(value):
            yield value
