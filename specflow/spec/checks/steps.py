"""How steps hang together in a pipeline, and the names they use: neighbours, targets, computes, environments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from specflow.attempt.evaluate import text_of
from specflow.diagnostics import Diagnostic, Related, Span, error, warning
from specflow.spec import model
from specflow.spec.checks.context import Context
from specflow.spec.expressions import references, status_functions
from specflow.spec.load import File
from specflow.spec.mentions import mentioned
from specflow.spec.scope import instances
from specflow.spec.source import Path
from specflow.spec.types import Fault, nearest, type_of_value

__all__ = [
    "condition_faults",
    "cycles",
    "idle_settings",
    "keys_of_steps_only",
    "matrix_faults",
    "missing_bodies",
    "unfit_computes",
    "unknown_computes",
    "unknown_environments",
    "unknown_extensions",
    "unknown_neighbours",
    "unknown_profile_targets",
    "unknown_targets",
]

MAX_INSTANCES = 10_000


def missing_bodies(context: Context) -> Iterator[Diagnostic]:
    """Yield steps without a body, or with several native ones."""
    for name, step in context.file.model.steps.items():
        if {"uses", "run", "notebook"} & step.given:
            continue
        if any(context.file.is_broken(("steps", name, key)) for key in ("uses", "run", "notebook", "shell", "engine")):
            continue
        if not step.extensions:
            help_ = 'add "uses: <file or folder>" or "run: <command>"'
            yield error("no-body", f'"{name}" has no body', context.file.key_span("steps", name), help_)
        elif len(step.extensions) > 1:
            keys = sorted(step.extensions)
            message = f'"{name}" has several native bodies: {", ".join(keys)}'
            yield error("two-bodies", message, context.file.key_span("steps", name, keys[1]), "keep one of them")
        else:
            yield from _misplaced_native(context, name, step)


def _misplaced_native(context: Context, name: str, step: model.StepUse) -> Iterator[Diagnostic]:
    (key,) = step.extensions
    native = key.removeprefix("x-")
    target = step.target or context.file.model.target
    if target != native:
        place = context.file.key_span("steps", name, key)
        on = f'it is placed on "{target}"' if target else "no target is named"
        message = f'"{name}" is a native step of "{native}", and {on}'
        yield error("native-elsewhere", message, place, f"add target: {native}")


def unknown_neighbours(context: Context) -> Iterator[Diagnostic]:
    """Yield names in `after` that are no steps."""
    steps = context.file.model.steps
    for name, step in steps.items():
        for index, other in enumerate(step.after):
            if other not in steps and not context.file.lost(("steps", other)):
                path = ("steps", name, "after", index)
                yield error(
                    "unknown-step", f'there is no step "{other}"', context.file.span(*path), nearest(other, steps)
                )


def needs(context: Context, name: str) -> tuple[str, ...]:
    """Return the steps that a step waits for, as far as they exist, in the order they are named."""
    steps = context.file.model.steps
    step = steps[name]
    if "needs" not in step.noted:
        named = (*step.after, *mentioned(step, "steps"))
        step.noted["needs"] = tuple(dict.fromkeys(other for other in named if other in steps))
    found: tuple[str, ...] = step.noted["needs"]
    return found


def cycles(context: Context) -> Iterator[Diagnostic]:
    """Yield each circle of steps that wait for each other, once, with its path."""
    before = {name: needs(context, name) for name in context.file.model.steps}
    for circle in circles(before):
        path = " → ".join(f'"{name}"' for name in (*circle, circle[0]))
        message = f"steps wait for each other: {path}" if len(circle) > 1 else f"a step waits for itself: {path}"
        others = tuple(Related(context.file.key_span("steps", name), f'"{name}"') for name in circle[1:4])
        yield error(
            "cycle", message, context.file.key_span("steps", circle[0]), "drop one of these dependencies", *others
        )


def circles(before: Mapping[str, tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return one circle for each knot of nodes that reach each other, in the order data flows, earliest name first.

    Works without recursion, so a chain of 10,000 steps is no trouble.
    """
    found: list[tuple[str, ...]] = []
    state: dict[str, int] = {}
    for start in before:
        if start in state:
            continue
        trail: list[str] = []
        stack = [(start, iter(before[start]))]
        state[start] = 1
        trail.append(start)
        while stack:
            node, pending = stack[-1]
            following = next(pending, None)
            if following is None:
                stack.pop()
                trail.pop()
                state[node] = 2
            elif following not in state:
                state[following] = 1
                trail.append(following)
                stack.append((following, iter(before[following])))
            elif state[following] == 1:
                circle = tuple(reversed(trail[trail.index(following) :]))
                if not any(set(circle) & set(other) for other in found):
                    order = list(before)
                    first = min(range(len(circle)), key=lambda i: order.index(circle[i]))
                    found.append((*circle[first:], *circle[:first]))
    return found


def unknown_targets(context: Context) -> Iterator[Diagnostic]:
    """Yield targets that no installed part of specflow provides."""
    places: list[tuple[Path, str | None]] = [(("target",), context.file.model.target)]
    places += [(("steps", name, "target"), step.target) for name, step in context.file.model.steps.items()]
    for path, target in places:
        if target is not None and target not in context.targets:
            yield _unknown_target(context, target, context.file.span(*path))


def _unknown_target(context: Context, target: str, span: Span) -> Diagnostic:
    message = f'there is no target "{target}" here'
    return error("unknown-target", message, span, nearest(target, context.targets))


def unknown_profile_targets(context: Context) -> Iterator[Diagnostic]:
    """Yield targets in specflow.yaml that neither the language nor an installed part of specflow knows."""
    known = context.nameable_targets
    for name, profile in context.file.model.profiles.items():
        base = ("profiles", name)
        keys: list[tuple[str, ...]] = [
            (*base, part, key) for part in ("store", "targets") for key in getattr(profile, part)
        ]
        for part in ("computes", "environments", "secrets"):
            keys += [(*base, part, entry, key) for entry, bound in getattr(profile, part).items() for key in bound]
        for path in keys:
            if path[-1] not in known:
                yield _unknown_target(context, path[-1], context.file.key_span(*path))
        for step, target in profile.placement.items():
            if target not in known:
                yield _unknown_target(context, target, context.file.span(*base, "placement", step))


def unknown_extensions(context: Context) -> Iterator[Diagnostic]:
    """Yield `x-<target>` keys of targets that neither the language nor an installed part of specflow knows."""
    known = context.nameable_targets
    places: list[tuple[Path, Any]] = [((), context.file.model)]
    if context.file.kind == "pipeline":
        places += [(("steps", name), step) for name, step in context.file.model.steps.items()]
    for path, holder in places:
        for key in holder.extensions:
            if key.removeprefix("x-") not in known:
                message = f'"{key}" is for a target "{key.removeprefix("x-")}", and there is none here'
                yield error(
                    "unknown-target",
                    message,
                    context.file.key_span(*path, key),
                    nearest(key, [f"x-{t}" for t in known]),
                )


def unknown_computes(context: Context) -> Iterator[Diagnostic]:
    """Yield compute names that neither the pipeline nor the profile explains."""
    known = {*context.file.model.computes, *context.workspace.profile.computes, "default"}
    places: list[tuple[Path, str | None]] = [(("compute",), context.file.model.compute)]
    places += [(("steps", name, "compute"), step.compute) for name, step in context.file.model.steps.items()]
    for path, compute in places:
        if compute is not None and compute not in known and not context.file.lost(("computes", compute)):
            message = f'there is no compute "{compute}"'
            yield error("unknown-compute", message, context.file.span(*path), nearest(compute, known))


def unfit_computes(context: Context) -> Iterator[Diagnostic]:
    """Yield computes of several machines under steps that run on one, and ranges that hold nothing."""
    computes = context.file.model.computes
    for name, compute in computes.items():
        scale = compute.autoscale
        if scale is not None and scale.min > scale.max:
            message = f"no number fits: the least is {scale.min}, the greatest {scale.max}"
            yield error("empty-range", message, context.file.span("computes", name, "autoscale", "min"), "swap them")
    for name, step in context.file.model.steps.items():
        compute = computes.get(step.compute or context.file.model.compute or "")
        if compute is None or (compute.nodes is None and compute.autoscale is None):
            continue
        used = context.signatures.of(context.file, name)
        if used.file is None and step.uses is not None:
            continue
        body = used.file.model if used.file is not None else step
        if used.kind == "pipeline" or body.engine == "spark" or _may_be_spark(context, used.file, name):
            continue
        path = ("steps", name, "compute") if step.compute else ("compute",)
        message = f'"{name}" is a process on one machine, and this compute has several'
        yield error(
            "nodes-need-spark", message, context.file.span(*path), 'say "engine: spark", or name another compute'
        )


def _may_be_spark(context: Context, used: File | None, name: str) -> bool:
    return used.lost(("engine",)) if used is not None else context.file.lost(("steps", name, "engine"))


def unknown_environments(context: Context) -> Iterator[Diagnostic]:
    """Yield environment names that neither the pipeline nor the profile explains."""
    own = context.file.model.environments if context.file.kind == "pipeline" else {}
    known = {*own, *context.workspace.profile.environments}
    places: list[tuple[Path, Any]] = [(("environment",), context.file.model.environment)]
    if context.file.kind == "pipeline":
        places += [
            (("steps", name, "environment"), step.environment) for name, step in context.file.model.steps.items()
        ]
    else:
        known |= _environments_around(context)
    for path, environment in places:
        if (
            isinstance(environment, str)
            and environment not in known
            and not context.file.lost(("environments", environment))
        ):
            message = f'there is no environment "{environment}"'
            yield error("unknown-environment", message, context.file.span(*path), nearest(environment, known))


def _environments_around(context: Context) -> set[str]:
    """Return the environments of the pipelines that use a step file: its name may mean one of them."""
    files = (file for file in context.workspace.files.values() if file.kind == "pipeline")
    return {name for file in files for name in file.model.environments}


def keys_of_steps_only(context: Context) -> Iterator[Diagnostic]:
    """Yield `retry`, `timeout`, `cache` and patches on steps that use a pipeline: they belong to its steps."""
    for name, step in context.file.model.steps.items():
        if context.signatures.of(context.file, name).kind != "pipeline":
            continue
        for key in ("retry", "timeout", "cache", *step.extensions):
            if key in step.given or key in step.extensions:
                message = f'"{name}" uses a pipeline, and "{key}" belongs to steps'
                yield error(
                    "not-for-pipelines",
                    message,
                    context.file.key_span("steps", name, key),
                    "put it on the steps inside",
                )


def idle_settings(context: Context) -> Iterator[Diagnostic]:
    """Yield calls of pipelines that hold keys which count only in the pipeline that is run itself."""
    for name, step in context.file.model.steps.items():
        used = context.signatures.of(context.file, name)
        if used.kind != "pipeline" or used.file is None or step.uses is None:
            continue
        keys = [key for key in RUN_KEYS if key in used.file.model.given]
        keys += used.file.model.extensions
        for output, declared in used.file.model.outputs.items():
            keys += [f"outputs.{output}.{key}" for key in ("register", "location") if key in _given(declared)]
        if keys:
            told = ", ".join(f'"{key}"' for key in keys)
            message = f'"{used.file.model.name}" is used as a step here, so its {told} {_counts(keys)} for nothing'
            help_ = "say it in the pipeline that is run, or leave it out of the one that is used"
            first = Related(used.file.key_span(*keys[0].split(".")), "said here")
            yield warning("idle-in-nested", message, context.file.span("steps", name, "uses"), help_, first)


RUN_KEYS = ("timeout", "fail_fast", "concurrency", "schedule", "notify")
"""Keys of a pipeline file about a run as a whole."""


def _given(output: model.PipelineOutput) -> frozenset[str]:
    aliases = {"registered": "register"}
    return frozenset(aliases.get(key, key) for key in output.given)


def _counts(keys: list[str]) -> str:
    return "counts" if len(keys) == 1 else "count"


def matrix_faults(context: Context) -> Iterator[Diagnostic]:
    """Yield matrices with equal instances, mixed types, or too many instances."""
    for name, step in context.file.model.steps.items():
        if step.matrix is None:
            continue
        count = 1
        if not isinstance(step.matrix, tuple):
            for values in step.matrix.values():
                count *= len(values)
        if count > MAX_INSTANCES or (isinstance(step.matrix, tuple) and len(step.matrix) > MAX_INSTANCES):
            message = f"the matrix makes more than {MAX_INSTANCES} instances"
            yield error("matrix-too-large", message, context.file.key_span("steps", name, "matrix"))
            continue
        found = [*_equal_instances(context, name, step.matrix), *_mixed_axes(context, name, step.matrix)]
        yield from found or _equal_names(context, name, step.matrix)


def _equal_instances(context: Context, name: str, matrix: Any) -> Iterator[Diagnostic]:
    path = ("steps", name, "matrix")
    lists = {(): matrix} if isinstance(matrix, tuple) else {(axis,): values for axis, values in matrix.items()}
    for below, values in lists.items():
        seen: dict[object, int] = {}
        for index, value in enumerate(values):
            key = repr(sorted(value.items())) if isinstance(value, Mapping) else repr(value)
            if key in seen:
                first = Related(context.file.span(*path, *below, seen[key]), "first given here")
                message = "two instances of the matrix would be the same"
                yield error(
                    "matrix-collision", message, context.file.span(*path, *below, index), "remove one of them", first
                )
            else:
                seen[key] = index


def _equal_names(context: Context, name: str, matrix: Any) -> Iterator[Diagnostic]:
    """Yield instances that differ, and would be shown under one name all the same: logs and platforms go by that."""
    path = ("steps", name, "matrix")
    seen: dict[str, int] = {}
    for index, instance in enumerate(instances(matrix)):
        shown = f"{name}[{','.join(f'{axis}={text_of(value)}' for axis, value in instance.items())}]"
        if shown not in seen:
            seen[shown] = index
            continue
        message = f'two instances of the matrix would be shown as "{shown}"'
        help_ = "give them values without a comma or an equals sign"
        if isinstance(matrix, tuple):
            first = Related(context.file.span(*path, seen[shown]), "first given here")
            yield error("matrix-collision", message, context.file.span(*path, index), help_, first)
        else:
            yield error("matrix-collision", message, context.file.key_span(*path), help_)


def _mixed_axes(context: Context, name: str, matrix: Any) -> Iterator[Diagnostic]:
    axes: dict[str, list[object]] = {}
    for instance in instances(matrix):
        for axis, value in instance.items():
            axes.setdefault(axis, []).append(value)
    for axis, values in axes.items():
        if type_of_value(tuple(values)).kind == "mixed":
            message = f'the values of axis "{axis}" are of different types'
            yield error(
                "type-mismatch",
                message,
                context.file.key_span("steps", name, "matrix"),
                "quote the texts, or the numbers",
            )


def condition_faults(context: Context) -> Iterator[Diagnostic]:
    """Yield conditions that are no conditions, and those that can never change."""
    for name, step in context.file.model.steps.items():
        if step.when is None:
            continue
        path = ("steps", name, "when")
        if isinstance(step.when, bool):
            yield _constant(context, name, step.when)
            continue
        kind, found = context.typed(path, step.when, context.pipeline_scope(step, name), in_when=True)
        yield from found
        template, _ = context.template(path, step.when)
        if kind is None or template is None:
            continue
        whole = template.whole
        if whole is None or kind.kind not in ("boolean", "any") or kind.many:
            message = f"a condition is true or false, and this is {'text' if whole is None else kind.a}"
            help_ = "write it as ${{ … }}" if whole is None else "compare it, or ask has(x)"
            yield context.diagnostic(path, Fault("when-not-boolean", message, 0, len(step.when), help_))
        elif not references(whole) and not status_functions(whole):
            yield _constant(context, name, None)


def _constant(context: Context, name: str, value: bool | None) -> Diagnostic:
    told = {True: "is always true", False: f'is always false, so "{name}" never runs', None: "never changes"}[value]
    return warning("constant-when", f"this condition {told}", context.file.span("steps", name, "when"), "leave it out")
