"""What the emulator takes to be true of Databricks without a document or a measurement that says so: a switch each."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

__all__ = ["Assumptions"]


def _assumed(value: bool, sentence: str, otherwise: str) -> Any:
    return field(default=value, metadata={"sentence": sentence, "otherwise": otherwise})


@dataclass(frozen=True, slots=True)
class Assumptions:
    """One switch for each unverified behaviour: the default is what we take to be so; flipped, it is otherwise."""

    task_keys_may_hold_hyphens: bool = _assumed(
        True, "A task key matches `[A-Za-z0-9_-]{1,100}`", "a hyphen in a task key is refused"
    )
    run_id_survives_repair: bool = _assumed(
        True, "`{{job.run_id}}` is the same after a repair", "after a repair it is the repair's id"
    )
    child_output_is_logged: bool = _assumed(
        False, "Only what the task's own Python prints reaches its logs", "what its child processes write does too"
    )
    scripts_can_set_task_values: bool = _assumed(
        False, "Only notebooks can set task values", "Python scripts and wheels can too"
    )
    scripts_know_their_file: bool = _assumed(
        True, "`__file__` is set in a Python script task", "it is not: the script is run from its text"
    )
    script_folder_is_on_path: bool = _assumed(
        True, "A Python script can import the modules beside it", "its folder is not on `sys.path`"
    )
    system_exit_follows_its_code: bool = _assumed(
        True, "`sys.exit(0)` ends a task well, any other code fails it", "every `sys.exit` fails the task"
    )
    volumes_can_append: bool = _assumed(False, "A file on a volume can't be opened for appending or updating", "it can")
    submitted_runs_retry: bool = _assumed(
        False, "Tasks of one-time runs (`runs/submit`) are not retried", "they are, by their `max_retries`"
    )
    serverless_retries_by_itself: bool = _assumed(
        True,
        "A failed task on serverless compute is tried once more, unless it has `disable_auto_optimization`",
        "it is tried as often as `max_retries` says",
    )
    repair_includes_upstream_failed: bool = _assumed(
        True,
        "`rerun_all_failed_tasks` runs tasks again that were marked upstream failed",
        "it does not, unless `rerun_dependent_tasks` asks for them",
    )
    excluded_counts_as_success: bool = _assumed(
        True,
        "An excluded dependency satisfies `ALL_SUCCESS`, unless all are excluded",
        "a task with an excluded dependency and `ALL_SUCCESS` is marked upstream failed",
    )
    failed_run_is_internal_error: bool = _assumed(
        True, "A failed run's life cycle state is `INTERNAL_ERROR`, its tasks' `TERMINATED`", "it is `TERMINATED`"
    )
    cancel_runs_failure_handlers: bool = _assumed(
        False,
        "Cancelling a run cancels all of its tasks",
        "tasks whose `run_if` handles failures still run, as after the cancelling of one task",
    )
    bad_reference_is_refused: bool = _assumed(
        True, "A bad name in a known namespace (`{{job.naem}}`) is refused when the job is saved", "it stays literal"
    )
    earlier_attempts_are_listed: bool = _assumed(
        True, "`runs/get` lists every attempt at a task", "it lists the last attempt at each task alone"
    )
    unselected_tasks_are_left_out: bool = _assumed(
        True, "Tasks that `only` of `run-now` doesn't name are not in the run", "they are listed as `DISABLED`"
    )
    execution_count_survives_repair: bool = _assumed(
        True, "`{{task.execution_count}}` counts on through a repair", "each repair counts from 1 again"
    )
    defaults_resolve_references: bool = _assumed(
        True, "`{{job.run_id}}` and its like may be the default of a job parameter", "they stay literal there"
    )
    references_are_resolved_once: bool = _assumed(
        True,
        "A text that a reference put in is not looked at again",
        "references in it are resolved too; in names that are not known, they stay literal",
    )

    @classmethod
    def table(cls) -> str:
        """Return the switches as a Markdown table, for the docs."""
        rows = ["| switch | default | assumed | flipped |", "|---|---|---|---|"]
        for one in fields(cls):
            words = one.metadata
            rows.append(f"| `{one.name}` | {one.default} | {words['sentence']} | {words['otherwise']} |")
        return "\n".join(rows) + "\n"
