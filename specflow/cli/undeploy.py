"""`specflow undeploy`."""

from __future__ import annotations

from pathlib import Path as FilePath

import click

from specflow.cli.completing import profiles, targets
from specflow.cli.hosts import allow_host

__all__ = ["command"]


@click.command(
    "undeploy",
    epilog="""\b
Examples:
  specflow undeploy retrain --target databricks --profile prod
  specflow undeploy specs/retrain.yaml --target databricks --dry-run
""",
)
@click.argument("name")
@click.option("--target", shell_complete=targets, help="The platform.  [default: the one that the profile has]")
@click.option("--profile", shell_complete=profiles, help="The profile of specflow.yaml that says which workspace.")
@click.option("--emulate", is_flag=True, help="Ask the platform's emulator on this machine.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@allow_host
def command(name: str, target: str | None, profile: str | None, emulate: bool, dry_run: bool) -> int:
    """Remove what `specflow deploy` installed under NAME: a pipeline's name, its spec, or the folder of its plan."""
    from specflow.cli.platforms import platforms_here, profile_here, targets_of
    from specflow.errors import UsageError

    found = profile_here(profile)
    if found is None:
        return 1
    pipeline = _name_in(FilePath(name)) or name
    (where, *others) = targets_of(found.targets, target, emulates=emulate)
    if others:
        raise UsageError(f"the profile has {', '.join((where, *others))}", "name one of them: --target")
    with platforms_here(None, emulates=emulate) as platforms:
        client = platforms.connect(where, found.targets.get(where, {}))
        try:
            if dry_run:
                is_there = any(one.name == pipeline for one in client.deployments())
            else:
                is_there = client.undeploy(pipeline)
        finally:
            client.close()
    if not is_there:
        click.echo(f'nothing is deployed as "{pipeline}" on {where}', err=True)
        return 1
    click.echo(f"{pipeline} {'would be' if dry_run else 'is'} removed from {where}")
    return 0


def _name_in(path: FilePath) -> str | None:
    """Return the pipeline's name that a spec or a plan's folder holds; None for what is neither."""
    from specflow.plan import is_plan_folder, load_plan
    from specflow.spec.source import read_document

    if is_plan_folder(path):
        return load_plan(path).name
    if not path.is_file():
        return None
    document, _ = read_document(path, str(path))
    data = document.data if document is not None else None
    return str(data["name"]) if isinstance(data, dict) and "name" in data else None
