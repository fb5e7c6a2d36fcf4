"""`specflow deploy`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

import click

from specflow.cli.completing import profiles, targets
from specflow.cli.hosts import allow_host

__all__ = ["command"]


@click.command(
    "deploy",
    epilog="""\b
Examples:
  specflow deploy specs/retrain.yaml --target databricks --profile prod
  specflow deploy build/retrain --dry-run
""",
)
@click.argument("spec", type=click.Path(path_type=FilePath, exists=True))
@click.option("--target", shell_complete=targets, help="The platform; of a plan, the one that it was compiled for.")
@click.option("--host", shell_complete=targets, help="The platform that coordinates a mixed pipeline.")
@click.option("--profile", shell_complete=profiles, help="The profile of specflow.yaml that says which workspace.")
@click.option("--emulate", is_flag=True, help="Deploy to the platform's emulator on this machine.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--expect", metavar="DIGEST", help="Deploy the plan only if its digest begins so (8 digits or more).")
@allow_host
def command(
    spec: FilePath,
    target: str | None,
    host: str | None,
    profile: str | None,
    emulate: bool,
    dry_run: bool,
    expect: str | None,
) -> int:
    """Install SPEC, a spec or the folder of a plan, as a job with its schedule on a platform.

    What is there under the pipeline's name is brought up to date; what others have installed is left alone.
    """
    from specflow.cli.options import plan_for
    from specflow.cli.platforms import platforms_here
    from specflow.operations.deployment import compare, deploy, installable

    plan = plan_for(spec, target, profile, expect, host)
    if plan is None:
        return 1
    island = installable(plan, target)
    with platforms_here(plan.root, emulates=emulate) as platforms:
        client = platforms.connect(island["target"], island["settings"])
        try:
            if dry_run:
                for line in _would(compare(plan, island, client.deployments())):
                    click.echo(line)
                return 0
            change, made = deploy(plan, island, client)
        finally:
            client.close()
    words = {"new": "is installed", "changed": "is brought up to date", "same": "stays as it was"}
    click.echo(f"{made.name} {words[change.kind]} on {made.target}: {made.id}")
    click.echo(f"  schedule  {made.schedule or 'none'}")
    if made.schedule and (schedule := plan.document["schedule"]).get("enabled", True):
        click.echo(f"  next      {_next(schedule)}")
    click.echo(f"  digest    {change.digest[:12]}")
    if made.url:
        click.echo(f"  look at   {made.url}")
    return 0


def _next(schedule: Mapping[str, Any]) -> str:
    """Return when a schedule starts the job the next two times."""
    from datetime import datetime, timezone

    from specflow.spec.cron import next_times, parse_cron

    zone = schedule.get("timezone", "UTC")
    times = next_times(parse_cron(schedule["cron"]), datetime.now(timezone.utc), zone, 2)
    return f"{', '.join(f'{time:%a %Y-%m-%d %H:%M}' for time in times)} {zone}"


def _would(change: Any) -> list[str]:
    """Return what a deployment would do, in lines."""
    if change.kind == "same":
        return [f"{change.name} on {change.target} would stay as it is: {change.digest[:12]}"]
    if change.before is None:
        return [f"{change.name} would be installed on {change.target}: {change.digest[:12]}"]
    before = change.before.digest[:12] or "of unknown content"
    return [f"{change.name} on {change.target} would be brought up to date: {before} → {change.digest[:12]}"]
