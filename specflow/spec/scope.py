"""What names mean in a file: the types of inputs, steps' outputs, data, matrix axes and profile variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from specflow.spec import model
from specflow.spec.expressions import ExpressionError, Reference, parse_template
from specflow.spec.load import File, Workspace
from specflow.spec.mentions import mentions
from specflow.spec.source import Path
from specflow.spec.types import ANY, STRING, Fault, Type, nearest, type_of_value

__all__ = ["PIPELINE_CONTEXTS", "STEP_CONTEXTS", "Scope", "Signatures", "StepSignature", "instances", "port_type"]

STEP_CONTEXTS = ("inputs", "outputs", "run", "profile")
PIPELINE_CONTEXTS = ("inputs", "steps", "data", "matrix", "run", "profile")
_RUN = {"id": STRING, "date": STRING}


def port_type(port: model.Input | model.Output) -> Type:
    """Return the type that a declared port has for those who read it."""
    many = isinstance(port, model.Input) and port.many
    return Type(port.type, many, port.optional, port.format)


@dataclass(frozen=True, slots=True)
class StepSignature:
    """What a step looks like from outside; None where it isn't known because something else is wrong."""

    kind: str
    """`step`, `pipeline`, or `place` for a body in place."""
    inputs: Mapping[str, model.Input] | None
    outputs: Mapping[str, Type] | None
    is_many: bool
    file: File | None = None
    body: Any = None
    """What mentions its ports: the file's model, or the body in place."""

    def mentions(self, kind: str, port: str) -> bool:
        """Return whether the step itself reads or writes a port; if that isn't declared, it is told there."""
        if kind == "outputs" and self.kind == "pipeline":  # the outputs that it mentions are its steps' own
            return False
        return self.body is not None and port in mentions(self.body, kind)


class Signatures:
    """The signatures of all steps of a workspace, each worked out once."""

    def __init__(self, workspace: Workspace) -> None:
        """Remember where to look."""
        self.workspace = workspace
        self._known: dict[tuple[int, str], StepSignature] = {}
        self._open: set[tuple[int, str]] = set()
        self._outputs: dict[int, Mapping[str, Type]] = {}

    def of(self, file: File, name: str) -> StepSignature:
        """Return the signature of a step of a pipeline file."""
        key = (id(file), name)  # the workspace holds it all the while
        if key not in self._known:
            if key in self._open:
                return StepSignature("pipeline", None, None, False)
            self._open.add(key)
            self._known[key] = self._work_out(file, name)
            self._open.discard(key)
        return self._known[key]

    def _work_out(self, file: File, name: str) -> StepSignature:
        step: model.StepUse = file.model.steps[name]
        is_many = step.matrix is not None
        has_body = bool({"uses", "run", "notebook"} & step.given or step.extensions)
        if not has_body or self._may_have_a_matrix(file, name, step):
            return StepSignature("step", None, None, is_many)
        if step.uses is None:
            outputs = {port: port_type(output) for port, output in step.outputs.items()}
            return StepSignature("place", None, outputs, is_many, body=step)
        used = self.workspace.files.get(file.uses[name]) if name in file.uses else None
        if used is None:
            return StepSignature("step", None, None, is_many)
        if used.kind == "step" and id(used) not in self._outputs:
            self._outputs[id(used)] = self.outputs_of(used)
        made = self._outputs[id(used)] if used.kind == "step" else self.outputs_of(used)
        return StepSignature(used.kind, used.model.inputs, made, is_many, used, used.model)

    def _may_have_a_matrix(self, file: File, name: str, step: model.StepUse) -> bool:
        """Return whether a step was meant to have a matrix that isn't known: its outputs would be lists."""
        if step.matrix is None:
            return bool(mentions(step, "matrix")) or file.lost(("steps", name, "matrix"))
        return file.is_broken(("steps", name, "matrix"))

    def outputs_of(self, file: File) -> Mapping[str, Type]:
        """Return the types of a file's outputs; a pipeline's are those of their sources."""
        if file.kind == "step":
            return {name: port_type(output) for name, output in file.model.outputs.items()}
        return {name: self._source_type(file, output) for name, output in file.model.outputs.items()}

    def _source_type(self, file: File, output: model.PipelineOutput) -> Type:
        try:
            whole = parse_template(output.source).whole
        except ExpressionError:
            return ANY
        if not isinstance(whole, Reference) or len(whole.parts) != 4 or whole.parts[0] != "steps":
            return ANY
        _, step, _, port = whole.parts
        if step not in file.model.steps:
            return ANY
        signature = self.of(file, step)
        found = (signature.outputs or {}).get(port, ANY)
        many = found.many or signature.is_many
        return Type(found.kind, many, found.nullable or output.optional, output.format or found.format)


def instances(matrix: Any) -> tuple[dict[str, Any], ...]:
    """Return the assignments that a matrix makes, in order: axes' combinations, the last axis fastest."""
    if matrix is None:
        return ({},)
    if isinstance(matrix, tuple):
        return tuple(dict(instance) for instance in matrix)
    found: tuple[dict[str, Any], ...] = ({},)
    for axis, values in matrix.items():
        found = tuple({**before, axis: value} for before in found for value in values)
    return found


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that expressions in one place of a file may use."""

    file: File
    workspace: Workspace
    signatures: Signatures
    contexts: tuple[str, ...]
    matrix: Any = None
    outputs: Mapping[str, Type] | None = None
    """Own outputs of a body in place."""
    own: Path = ()
    """Where the step stands that the names are for."""

    def resolve(self, reference: Reference) -> Type | Fault:
        """Return the type of what a reference names, or what is wrong with it."""
        head = reference.parts[0]
        if head not in self.contexts:
            is_lost = head == "matrix" and self.file.lost((*self.own, "matrix"))
            return ANY if is_lost else self._unknown_context(reference)
        if head == "steps":
            return self._step_output(reference)
        if len(reference.parts) != 2:
            form = f'"{head}.<name>"'
            return Fault("expression-type", f'"{head}" is written as {form}', reference.start, reference.end)
        name = reference.parts[1]
        return {
            "inputs": self._input,
            "outputs": self._output,
            "data": self._data,
            "matrix": self._axis,
            "run": self._run,
            "profile": self._profile_value,
        }[head](reference, name)

    def _unknown_context(self, reference: Reference) -> Fault:
        head = reference.parts[0]
        start, end = reference.part_span(0)
        known = (*STEP_CONTEXTS, *PIPELINE_CONTEXTS)
        if head == "matrix" and self.own:
            message = f'"{self.own[-1]}" has no matrix'
            help_ = f'give the step a "matrix:" with the axis "{reference.parts[-1]}"'
        elif head in known:
            message = f'"{head}" is not known here'
            help_ = f"this place knows {', '.join(self.contexts)}"
        else:
            message = f'there is no context "{head}"'
            help_ = nearest(head, self.contexts)
            if len(reference.parts) == 1:
                help_ = f"quote it if it is meant as text: '{head}'" if "did you mean" not in help_ else help_
        return Fault("unknown-context", message, start, end, help_)

    def _missing(self, reference: Reference, index: int, code: str, message: str, known: Any) -> Fault:
        start, end = reference.part_span(index)
        return Fault(code, message, start, end, nearest(reference.parts[index], known))

    def _input(self, reference: Reference, name: str) -> Type | Fault:
        declared = self.file.model.inputs
        if name in declared:
            return ANY if self.file.is_broken(("inputs", name)) else port_type(declared[name])
        if self.file.lost(("inputs", name)):
            return ANY
        message = f'there is no input "{name}"'
        return self._missing(reference, 1, "unknown-input", message, declared)

    def _output(self, reference: Reference, name: str) -> Type | Fault:
        declared = self.outputs or {}
        if name in declared:
            return Type(declared[name].kind if declared[name].is_path else "file", format=declared[name].format)
        if self.file.lost((*self.own, "outputs", name)) or self.outputs is None:
            return ANY
        return self._missing(reference, 1, "unknown-output", f'there is no output "{name}"', declared)

    def _data(self, reference: Reference, name: str) -> Type | Fault:
        own = self.file.model.data if self.file.kind == "pipeline" else {}
        project = self.workspace.project
        shared = project.model.data if project is not None else {}
        source = own.get(name) or shared.get(name)
        if source is not None:
            return Type(source.type, format=source.format)
        if self.file.lost(("data", name)) or (project is not None and project.lost(("data", name))):
            return ANY
        return self._missing(reference, 1, "unknown-data", f'there is no data "{name}"', {**own, **shared})

    def _axis(self, reference: Reference, name: str) -> Type | Fault:
        axes: dict[str, list[Any]] = {}
        for instance in instances(self.matrix):
            for axis, value in instance.items():
                axes.setdefault(axis, []).append(value)
        if name not in axes:
            if self.file.lost((*self.own, "matrix", name)):
                return ANY
            message = f'the matrix of "{self.own[-1]}" has no axis "{name}"'
            return self._missing(reference, 1, "unknown-axis", message, axes)
        kind = type_of_value(tuple(axes[name]))
        nullable = len(axes[name]) < len(instances(self.matrix))
        return ANY if kind.kind == "mixed" else Type(kind.kind, nullable=nullable)

    def _run(self, reference: Reference, name: str) -> Type | Fault:
        if name in _RUN:
            return _RUN[name]
        return self._missing(reference, 1, "unknown-variable", f'a run has no "{name}"', _RUN)

    def _profile_value(self, reference: Reference, name: str) -> Type | Fault:
        variables = self.workspace.profile.variables
        if name == "name":
            return Type("string", nullable=self.workspace.profile_name is None)
        if name in variables:
            return type_of_value(variables[name])
        project = self.workspace.project
        shown = self.workspace.profile_name
        if project is not None and shown is not None and project.is_broken(("profiles", shown, "variables", name)):
            return ANY
        message = f'profile "{shown}" has no variable "{name}"' if shown else f'no profile says what "{name}" is'
        return self._missing(reference, 1, "unknown-variable", message, ("name", *variables))

    def _step_output(self, reference: Reference) -> Type | Fault:
        steps = self.file.model.steps
        if len(reference.parts) != 4 or reference.parts[2] != "outputs":
            form = '"steps.<step>.outputs.<name>"'
            return Fault("expression-type", f"a step's output is written as {form}", reference.start, reference.end)
        _, step, _, port = reference.parts
        if step not in steps:
            if self.file.lost(("steps", step)):
                return ANY
            return self._missing(reference, 1, "unknown-step", f'there is no step "{step}"', steps)
        signature = self.signatures.of(self.file, step)
        if signature.outputs is None:
            return ANY
        if port in signature.outputs:
            found = signature.outputs[port]
            return Type(found.kind, found.many or signature.is_many, found.nullable, found.format)
        holder = signature.file or self.file
        if holder.lost(("outputs", port) if signature.file else ("steps", step, "outputs", port)):
            return ANY
        if signature.mentions("outputs", port):
            return ANY
        return self._unknown_output(reference, step, port, signature)

    def _unknown_output(self, reference: Reference, step: str, port: str, signature: StepSignature) -> Fault:
        message = f'"{step}" has no output "{port}"'
        start, end = reference.part_span(3)
        outputs = signature.outputs or {}
        help_ = nearest(port, outputs)
        if signature.file is None:
            return Fault("unknown-output", message, start, end, help_)
        names = ", ".join(sorted(outputs)) or "none"
        related = (f'outputs of "{signature.file.model.name}": {names}', str(signature.file.document.file))
        return Fault("unknown-output", message, start, end, help_, related=related)
