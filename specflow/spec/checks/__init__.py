"""What a spec can be told about itself before anything runs: one rule per function, all of them listed here.

What is left unchecked on purpose: what step code does, whether addresses on platforms exist, and what native steps
(`x-<target>` alone) hold: their platform judges that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from specflow.diagnostics import Diagnostic
from specflow.spec.checks import calls, commands, files, pipeline, ports, secrets, steps
from specflow.spec.checks.causes import by_cause, without_doubtful_warnings
from specflow.spec.checks.context import Context
from specflow.spec.load import File, Workspace
from specflow.spec.scope import Signatures

__all__ = ["PIPELINE_RULES", "PROJECT_RULES", "STEP_RULES", "Rule", "check"]

Rule = Callable[[Context], Iterator[Diagnostic]]

STEP_RULES: tuple[Rule, ...] = (
    ports.bad_declarations,
    commands.command_faults,
    commands.unwritten_outputs,
    commands.unread_inputs,
    commands.variable_faults,
    steps.unknown_environments,
    steps.unknown_extensions,
    files.missing_code,
    files.missing_environment_files,
    files.bad_notebooks,
    files.missing_locations,
    secrets.literal_secrets,
)

PIPELINE_RULES: tuple[Rule, ...] = (
    ports.bad_declarations,
    steps.missing_bodies,
    steps.unknown_neighbours,
    steps.cycles,
    steps.unknown_targets,
    steps.unknown_computes,
    steps.unfit_computes,
    steps.unknown_environments,
    steps.unknown_extensions,
    steps.keys_of_steps_only,
    steps.idle_settings,
    steps.matrix_faults,
    steps.condition_faults,
    calls.input_faults,
    commands.command_faults,
    commands.unwritten_outputs,
    commands.variable_faults,
    pipeline.unread_inputs,
    pipeline.output_faults,
    pipeline.schedule_faults,
    files.missing_code,
    files.missing_environment_files,
    files.bad_notebooks,
    files.missing_locations,
    secrets.literal_secrets,
)

PROJECT_RULES: tuple[Rule, ...] = (
    steps.unknown_profile_targets,
    files.missing_locations,
    secrets.literal_secrets,
)


def _was_told_of(file: File) -> bool:
    """Return whether something was found wrong with a file while it was loaded."""
    used = [name for name, step in file.model.steps.items() if step.uses] if file.kind == "pipeline" else []
    return bool(file.broken or file.incomplete) or any(name not in file.uses for name in used)


def check(workspace: Workspace, targets: tuple[str, ...]) -> tuple[Diagnostic, ...]:
    """Return what is wrong in a spec and in the files it uses, beyond their structure.

    `targets` are the platforms that steps may name.
    """
    signatures = Signatures(workspace)
    found: list[Diagnostic] = []
    for file in workspace.files.values():
        context = Context(file, workspace, signatures, targets)
        rules = STEP_RULES if file.kind == "step" else PIPELINE_RULES
        own = [diagnostic for rule in rules for diagnostic in rule(context)]
        found.extend(without_doubtful_warnings(own, _was_told_of(file)))
    if workspace.project is not None:
        context = Context(workspace.project, workspace, signatures, targets)
        found.extend(diagnostic for rule in PROJECT_RULES for diagnostic in rule(context))
    return by_cause(found)
