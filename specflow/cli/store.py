"""`specflow store`: what jobs have left in the exchange store, and how to have less of it."""

from __future__ import annotations

from typing import Any

import click

__all__ = ["command"]

_FORMAT = click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text")
_PROFILE = click.option("--profile", help="The profile of specflow.yaml whose store is meant.")


@click.group(
    "store",
    epilog="""\b
Examples:
  specflow store show --profile emulated
  specflow store clean --profile emulated --older-than 30 --dry-run
""",
)
def command() -> None:
    """The exchange store, through which outputs go from one platform to another: see it, clean it."""


@command.command("show")
@_PROFILE
@_FORMAT
def show(profile: str | None, format_: str) -> int:
    """List what jobs have left in the store, oldest first, and whether a run still refers to it."""
    opened = _opened(profile)
    if opened is None:
        return 1
    store, history = opened
    _tell(store.look(history), format_)
    return 0


@command.command("clean")
@_PROFILE
@click.option(
    "--older-than", "days", type=click.FloatRange(0), help="Only what was written more than so many days ago."
)
@click.option("--run", metavar="RUN", help="Only what this run has left; its whole id.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and let it be.")
@_FORMAT
def clean(profile: str | None, days: float | None, run: str | None, dry_run: bool, format_: str) -> int:
    """Delete what no run of the history refers to; `specflow cache clean` forgets runs."""
    import time

    from specflow.targets.local.stored import chosen

    opened = _opened(profile)
    if opened is None:
        return 1
    store, history = opened
    going = list(chosen(store.look(history), time.time(), days=days, run=run))
    for one in going:
        if not dry_run:
            store.remove(one)
    _tell(going, format_, "would go" if dry_run else "gone")
    return 0


def _opened(profile: str | None) -> Any:
    """Return the store of a profile and the history of the project around here; None for a wrong project file."""
    from specflow.cli.platforms import profile_here
    from specflow.cli.project import open_history
    from specflow.errors import UsageError
    from specflow.targets.local.stored import open_store

    found = profile_here(profile)
    if found is None:
        return None
    if "local" not in found.store:
        raise UsageError(
            "the profile does not say how this machine reaches the exchange store",
            "add to it: store: {local: <folder>}",
        )
    workspace, history = open_history()
    return open_store(found.store["local"], workspace.root), history


def _tell(found: Any, format_: str, what: str = "") -> None:
    import json
    from dataclasses import asdict

    from specflow.cli.cache import size_text
    from specflow.cli.project import ago

    if format_ == "json":
        for one in found:
            click.echo(json.dumps({**asdict(one), "name": one.name}, sort_keys=True))
        return
    for one in found:
        held = "held" if one.is_held else "free"
        click.echo(f"{size_text(one.bytes):>10}  {ago(one.changed):>10}  {held}  {one.name}")
    total = size_text(sum(one.bytes for one in found))
    click.echo(f"{total:>10}  in {sum(one.files for one in found)} files of {len(found)} jobs{' ' * bool(what)}{what}")
