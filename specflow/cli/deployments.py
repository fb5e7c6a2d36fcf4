"""`specflow deployments`."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from specflow.cli.completing import profiles, targets
from specflow.cli.hosts import allow_host

__all__ = ["command"]


@click.command(
    "deployments",
    epilog="""\b
Examples:
  specflow deployments
  specflow deployments --target databricks --profile prod --format json
""",
)
@click.option("--target", shell_complete=targets, help="The platform.  [default: all that the profile has]")
@click.option("--profile", shell_complete=profiles, help="The profile of specflow.yaml that says which workspaces.")
@click.option("--emulate", is_flag=True, help="Ask the platforms' emulators on this machine.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@allow_host
def command(target: str | None, profile: str | None, emulate: bool, format_: str) -> int:
    """List what `specflow deploy` and `publish` have installed: name, platform, id, content, schedule, endpoint."""
    from specflow.cli.platforms import platforms_here, profile_here, targets_of

    found = profile_here(profile)
    if found is None:
        return 1
    there = []
    with platforms_here(None, emulates=emulate) as platforms:
        for name in targets_of(found.targets, target, emulates=emulate):
            client = platforms.connect(name, found.targets.get(name, {}))
            try:
                there += sorted(client.deployments(), key=lambda one: one.name)
            finally:
                client.close()
    if format_ == "json":
        click.echo(json.dumps({"deployments": [asdict(one) for one in there]}, indent=2))
        return 0
    if not there:
        click.echo("nothing is deployed", err=True)
    rows = [
        (one.name, one.target, one.id, one.digest[:12], one.schedule or "no schedule", one.endpoint) for one in there
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(5)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, (*widths, 0), strict=True)).rstrip())
    return 0
