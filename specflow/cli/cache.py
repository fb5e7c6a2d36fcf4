"""`specflow cache`: the results that are kept, and how to have fewer of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from specflow.cli.terminal import counted

if TYPE_CHECKING:
    from specflow.targets.local.workspace import Workspace

__all__ = ["command", "size_text"]


@click.group(
    "cache",
    epilog="""\b
Examples:
  specflow cache show
  specflow cache clean --older-than 30 --larger-than 5000
  specflow cache verify
""",
)
def command() -> None:
    """The results of earlier runs: see them, check them, clean them away."""


@command.command("show")
def show() -> None:
    """List the results that are kept, largest first."""
    from specflow.cli.project import ago, open_history

    _, history = open_history()
    rows = sorted(history.results(), key=lambda row: -row.bytes)
    for row in rows:
        click.echo(f"{size_text(row.bytes):>10}  {ago(row.created):>10}  {row.home[:12]}  {row.step}")
    click.echo(f"{size_text(sum(row.bytes for row in rows)):>10}  in {counted(len(rows), 'result')}")


@command.command("verify")
def verify() -> int:
    """Hash every result again, and drop those that are not as they were made. Exit code 1 if there were any."""
    from specflow.cli.project import open_history
    from specflow.targets.local.sweep import verify_results

    workspace, history = open_history()
    with _alone(workspace):
        checked, damaged = verify_results(workspace, history)
    for path in damaged:
        click.echo(f"damaged: {path}; it is made again when it is next needed", err=True)
    history.close()
    click.echo(f"{counted(checked, 'result')} checked, {len(damaged)} damaged")
    return 1 if damaged else 0


@command.command("clean")
@click.option(
    "--older-than", "days", type=click.FloatRange(0), help="Forget runs that began more than so many days ago."
)
@click.option("--keep-runs", type=click.IntRange(0), help="Forget all but so many of the latest runs.")
@click.option(
    "--larger-than",
    "megabytes",
    type=click.FloatRange(0),
    help="Then drop the oldest results until the rest takes no more than so many megabytes.",
)
@click.option("--dry-run", is_flag=True, help="Say what would go, and let it be.")
def clean(days: float | None, keep_runs: int | None, megabytes: float | None, dry_run: bool) -> None:
    """Forget old runs, and delete every result that no kept run refers to.

    Without options no run is forgotten: only leftovers of damaged, replaced and interrupted work go.
    """
    from specflow.cli.project import open_history
    from specflow.targets.local.sweep import sweep

    workspace, history = open_history()
    with _alone(workspace):
        swept = sweep(workspace, history, days=days, keep_runs=keep_runs, megabytes=megabytes, dry_run=dry_run)
    history.close()
    would = "would go" if dry_run else "gone"
    click.echo(f"{counted(swept.runs, 'run')}, {counted(swept.results, 'result')}, {size_text(swept.bytes)} {would}")


@contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    """See to it that no run is under way, and that none begins: it may be about to use what is deleted."""
    from specflow.claims import claim
    from specflow.errors import SpecflowError

    descriptor = claim(workspace.claim, waits=False)
    if descriptor is None:
        raise SpecflowError("a run is under way here", "wait for it, or end it: `specflow runs` lists it")
    try:
        yield
    finally:
        os.close(descriptor)


def size_text(count: int) -> str:
    """Return a number of bytes as people read it."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return ""
