"""`specflow runs`: what was run here, and what became of it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Any

import click

from specflow.cli.hosts import allow_host

__all__ = ["command"]


@click.group(
    "runs",
    invoke_without_command=True,
    epilog="""\b
Examples:
  specflow runs
  specflow runs show latest
  specflow runs diff 1a2b3c 4d5e6f
""",
)
@click.option("-n", "--limit", default=20, show_default=True, help="How many of the latest runs to list.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@click.pass_context
def command(ctx: click.Context, limit: int, format_: str) -> None:
    """List the runs of this project, or look at one. A RUN is named by its id, the end of it, or `latest`."""
    if ctx.invoked_subcommand is not None:
        return
    from specflow.cli.project import ago, open_history

    _, history = open_history()
    rows = history.runs(limit)
    if format_ == "json":
        click.echo(json.dumps({"runs": [_as_json(row, history) for row in rows]}, indent=2))
        return
    for row in rows:
        state = row.state
        took = f"{row.ended - row.started:.1f} s" if row.ended is not None else ""
        click.echo(f"{row.id}  {state:<11}  {took:>9}  {ago(row.started):>10}  {row.pipeline}")


def _as_json(row: Any, history: Any) -> dict[str, Any]:

    steps = {
        step.label: {
            "state": step.state,
            "reason": step.reason,
            "attempts": step.attempts,
            "seconds": round(step.seconds, 3),
            "metrics": step.metrics,
        }
        for step in history.steps(row.id)
    }
    return {
        "run": row.id,
        "pipeline": row.pipeline,
        "state": row.state,
        "reason": row.reason,
        "plan": row.digest,
        "started": row.started,
        "ended": row.ended,
        "inputs": row.inputs,
        "outputs": row.outputs,
        "steps": steps,
        "jobs": [
            {"target": job.target, "island": job.island, "job": job.job, "state": job.state, "url": job.url}
            for job in history.foreign_of(row.id)
        ],
    }


@command.command("show")
@click.argument("run", required=False)
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="How to print.")
def show(run: str | None, format_: str) -> None:
    """Show one RUN (the latest unless said): its inputs, steps, metrics and outputs."""
    from specflow.attempt.evaluate import text_of
    from specflow.cli.progress import metrics_table, outputs_list
    from specflow.cli.project import find_run, moment, open_history

    _, history = open_history()
    row = find_run(history, run)
    if format_ == "json":
        click.echo(json.dumps(_as_json(row, history), indent=2))
        return
    why = f" ({row.reason})" if row.reason else ""
    click.echo(f"{row.pipeline}  {row.id}  {row.state}{why}  {moment(row.started)}")
    for name, value in row.inputs.items():
        click.echo(f"  input {name} = {value if isinstance(value, (str, list)) else text_of(value)}")
    for job in history.foreign_of(row.id):
        click.echo(f"  job {job.job or job.key} on {job.target}: {job.state}{f'  {job.url}' if job.url else ''}")
    steps = history.steps(row.id)
    width = max((len(step.label) for step in steps), default=0)
    for step in steps:
        reason = f"  {step.reason}" if step.reason else ""
        attempts = f"  {step.attempts} attempts" if step.attempts > 1 else ""
        click.echo(f"  {step.label.ljust(width)}  {step.state:<9}  {step.seconds:6.1f} s{attempts}{reason}")
    metrics = {step.label: step.metrics for step in steps if step.metrics}
    if metrics:
        click.echo("\n" + metrics_table(metrics).rstrip())
    if row.outputs:
        click.echo("\n" + outputs_list(row.outputs, {}).rstrip())


@command.command("cancel")
@click.argument("run", required=False)
@click.option("--emulate", is_flag=True, help="End jobs on the platforms' emulators that are served here.")
@allow_host
def cancel(run: str | None, emulate: bool) -> int:
    """Cancel a RUN that another terminal started, as Ctrl-C there would, or the jobs that one has left to platforms."""
    from specflow.cli.project import find_run, open_history

    workspace, history = open_history()
    row = find_run(history, run)
    if row.state == "running" and row.pid is not None:
        os.kill(row.pid, signal.SIGINT)
        click.echo(f"run {row.id} is ending")
        return 0
    left = [job for job in history.foreign_of(row.id) if job.state == "running"]
    if not left or not _cancel_left(row, left, workspace, history, emulates=emulate):
        click.echo(f"run {row.id} is {row.state}; there is nothing to cancel", err=True)
        return 1
    return 0


def _cancel_left(row: Any, left: Sequence[Any], workspace: Any, history: Any, *, emulates: bool) -> bool:
    """End the jobs that a run has left to platforms, and write that down; return whether there were any to end.

    One whose id was never told, because its run was killed, is found by its key where the platform can be asked for it.
    """
    from specflow.cli.platforms import platforms_here
    from specflow.targets.local.session import plan_of_run

    plan = plan_of_run(history, workspace, row.id)
    settings = {island["name"]: island["settings"] for island in plan.document["islands"]}
    has_ended = False
    with platforms_here(workspace.root, emulates=emulates) as platforms:
        for job in left:
            client = platforms.connect(job.target, settings[job.island])
            try:
                known = job.job or client.find(job.key, plan.name)
                state = client.status(known).state if known else "perhaps there, its id was never told"
                if state in ("waiting", "running"):
                    client.cancel(known)
            finally:
                client.close()
            if state not in ("waiting", "running"):
                click.echo(
                    f"job {known or job.key} on {job.target} is {state}; a run of the same takes it up", err=True
                )
                continue
            history.add_foreign(job._replace(job=known, state="cancelled"))
            history.commit()
            has_ended = True
            click.echo(f"job {known} on {job.target} is ending")
    if has_ended:
        history.end_run(row.id, "cancelled", "", time.time(), row.outputs)
        history.commit()
    return has_ended


@command.command("diff")
@click.argument("before")
@click.argument("after", required=False)
def diff(before: str, after: str | None) -> None:
    """Compare two runs, BEFORE and AFTER (the latest unless said): inputs, what made steps run, metrics."""
    from specflow.cli.project import find_run, open_history
    from specflow.targets.local.compare import compare_runs

    _, history = open_history()
    for line in compare_runs(history, find_run(history, before), find_run(history, after)):
        click.echo(line)


def _tell_of_new_jobs(plan: Any, foreign: Mapping[str, Any]) -> None:
    """Say of platforms whose jobs can't go on what is done again there, though it had been done."""
    from specflow.targets.base import is_restarting, target

    for island in plan.document["islands"]:
        which, row = target(island["target"]), foreign.get(island["name"])
        if row is None or row.state == "succeeded" or not row.job or not is_restarting(which):
            continue
        again = which.runs_anew(island["native"], row.done)
        told = "what had succeeded is reused" + (f", but for {', '.join(again)}" if again else "")
        head = f'note: the job "{row.job}" on {island["target"]} can\'t go on, so a new one is sent'
        click.echo(f"{head}; {told}", err=True)


@command.command("resume")
@click.argument("run", required=False)
@click.option("-j", "--jobs", type=click.IntRange(1, 10000), help="Steps at once.  [default: the machine's cores]")
@click.option(
    "--allow-secret", "allowed", multiple=True, metavar="NAME", help="Let steps have this variable as a secret."
)
@click.option("--emulate", is_flag=True, help="Go on with islands on their platforms' emulators.")
@allow_host
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but what went wrong.")
def resume(
    run: str | None, jobs: int | None, allowed: tuple[str, ...], emulate: bool, format_: str, quiet: bool
) -> int:
    """Go on with a RUN that did not succeed: the same plan and inputs, and what was done stays done."""
    from specflow.cli.progress import display
    from specflow.cli.project import find_run, open_history
    from specflow.cli.run import execute_here
    from specflow.targets.local.session import part_of_run, plan_of_run

    workspace, history = open_history()
    row = find_run(history, run)
    state = row.state
    if state in ("running", "succeeded"):
        click.echo(
            f"run {row.id} {'is still running' if state == 'running' else 'has succeeded'}; there is nothing to resume",
            err=True,
        )
        return 1
    plan, part = plan_of_run(history, workspace, row.id), part_of_run(history, row.id)
    done = {step.id: step.result for step in history.steps(row.id) if step.result is not None}
    foreign = {job.island: job for job in history.foreign_of(row.id)}
    history.close()
    if not quiet:
        _tell_of_new_jobs(plan, foreign)
    show = display(format_, quiet=quiet)
    return execute_here(
        plan,
        row.inputs,
        workspace,
        jobs,
        None,
        allowed,
        show,
        resumed=done,
        foreign=foreign,
        emulates=emulate,
        part=part,
    )
