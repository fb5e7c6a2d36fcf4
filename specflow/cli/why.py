"""`specflow why`."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command(
    "why",
    epilog="""\b
Examples:
  specflow why train[model=ridge]
  specflow why prepare --run 1a2b3c
""",
)
@click.argument("step")
@click.option("--run", help="The run to ask about.  [default: the latest]")
def command(step: str, run: str | None) -> int:
    """Say why STEP ran, or did not have to: what changed of all that its result depends on."""
    from specflow.cli.project import find_run, open_history
    from specflow.errors import UsageError
    from specflow.spec.types import nearest
    from specflow.targets.local.why import explain_step

    _, history = open_history()
    row = find_run(history, run)
    labels = [entry["label"] for entry in history.plan_of(row.id)["steps"]]
    if step not in labels:
        raise UsageError(f'run {row.id} has no step "{step}"', nearest(step, labels))
    if all(entry.label != step for entry in history.steps(row.id)):
        raise UsageError(f'"{step}" has not ended in run {row.id}', "ask again once it has")
    for line in explain_step(history, row.id, step):
        click.echo(line)
    return 0
