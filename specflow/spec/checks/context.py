"""What every rule is given: a file, the workspace around it, and the way from a fault to a diagnostic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from specflow.diagnostics import Diagnostic, Related, error
from specflow.spec import model
from specflow.spec.expressions import ExpressionError, Template, parse_template
from specflow.spec.load import File, Workspace
from specflow.spec.scope import PIPELINE_CONTEXTS, STEP_CONTEXTS, Scope, Signatures, port_type
from specflow.spec.source import Path
from specflow.spec.types import Fault, Type, infer

__all__ = ["Body", "Context"]


WITHOUT_MATRIX = tuple(context for context in PIPELINE_CONTEXTS if context != "matrix")
VENDOR_TARGETS = ("azureml", "databricks")
"""Targets whose words are part of the language, installed or not."""
Report = Callable[..., Diagnostic]
"""`error` or `warning`."""


@dataclass(frozen=True, slots=True)
class Body:
    """A step's body and where it stands: a step file's own, or one in place in a pipeline."""

    path: Path
    name: str
    body: model.Step | model.StepUse
    scope: Scope


@dataclass(frozen=True, slots=True)
class Context:
    """One file under check."""

    file: File
    workspace: Workspace
    signatures: Signatures
    targets: tuple[str, ...]
    _bodies: list[Body] = field(default_factory=list)

    @property
    def nameable_targets(self) -> list[str]:
        """Return the targets that a file may have words for, in order: those that are here, and the vendors'."""
        return sorted({*self.targets, *VENDOR_TARGETS})

    def scope(self, contexts: tuple[str, ...], matrix: Any = None, outputs: Any = None, own: Path = ()) -> Scope:
        """Return a scope of this file that knows some contexts; `own` is where the step stands that it is for."""
        return Scope(self.file, self.workspace, self.signatures, contexts, matrix, outputs, own)

    def pipeline_scope(self, step: model.StepUse | None = None, name: str = "") -> Scope:
        """Return the scope of values in a pipeline's step, or in the pipeline itself."""
        matrix = step.matrix if step is not None else None
        contexts = PIPELINE_CONTEXTS if matrix is not None else WITHOUT_MATRIX
        return self.scope(contexts, matrix, own=("steps", name) if name else ())

    def bodies(self) -> Sequence[Body]:
        """Return the bodies that this file holds: commands and notebooks, not uses."""
        if not self._bodies:
            self._bodies.extend(self._found_bodies())
        return self._bodies

    def _found_bodies(self) -> Iterator[Body]:
        if self.file.kind == "step":
            outputs = {name: port_type(port) for name, port in self.file.model.outputs.items()}
            yield Body((), self.file.model.name, self.file.model, self.scope(STEP_CONTEXTS, outputs=outputs))
            return
        for name, step in self.file.model.steps.items():
            if step.uses is None:
                outputs = {port: port_type(output) for port, output in step.outputs.items()}
                contexts = (*self.pipeline_scope(step).contexts, "outputs")
                path = ("steps", name)
                yield Body(path, name, step, self.scope(contexts, step.matrix, outputs, path))

    def diagnostic(self, path: Path, fault: Fault, report: Report = error) -> Diagnostic:
        """Return a fault in the text at `path` as a diagnostic at its own place in the file."""
        where = path if fault.item is None else (*path, fault.item)
        span = self.file.document.text_span(where, fault.start, fault.end)
        related: tuple[Related, ...] = ()
        if fault.related is not None:
            message, file = fault.related
            other = self.workspace.files[FilePath(file)]
            related = (
                Related(other.key_span("outputs") if other.document.has(("outputs",)) else other.span(), message),
            )
        return report(fault.code, fault.message, span, fault.help, *related)

    def template(self, path: Path, text: str) -> tuple[Template | None, tuple[Diagnostic, ...]]:
        """Return the text at `path` cut into pieces, or what is wrong with its expressions' syntax."""
        try:
            return parse_template(text), ()
        except ExpressionError as failure:
            fault = Fault("expression-syntax", failure.message, failure.start, failure.end, failure.help)
            return None, (self.diagnostic(path, fault),)

    def typed_text(self, path: Path, text: str, scope: Scope) -> tuple[Type | None, tuple[Diagnostic, ...]]:
        """Return the same for a text that a step gets, where paths may stand inside a text."""
        return self.typed(path, text, scope, paths_in_text=True)

    def typed(
        self, path: Path, text: str, scope: Scope, *, in_when: bool = False, paths_in_text: bool = False
    ) -> tuple[Type | None, tuple[Diagnostic, ...]]:
        """Return the type of the text at `path`, and what is wrong with it; no type when something is.

        A text with an expression inside it is a string; one that is a whole expression has that one's type.
        """
        template, found = self.template(path, text)
        if template is None:
            return None, found
        diagnostics: list[Diagnostic] = []
        kind = Type("string")
        nullable = False
        for expression in template.expressions:
            kind, faults = infer(expression, scope.resolve, in_when=in_when)
            diagnostics.extend(self.diagnostic(path, fault) for fault in faults)
            nullable = nullable or kind.nullable
            if template.whole is None and not faults and (kind.many or (kind.is_path and not paths_in_text)):
                what = "a list" if kind.many else f"{kind.a}, a path,"
                message = f"{what} can't stand inside a text"
                fault = Fault("expression-type", message, expression.start, expression.end, "let it stand alone")
                diagnostics.append(self.diagnostic(path, fault))
        if diagnostics:
            return None, tuple(diagnostics)
        return (kind if template.whole is not None else Type("string", nullable=nullable)), ()
