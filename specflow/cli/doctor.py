"""`specflow doctor`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path as FilePath
from typing import Any

import click

from specflow.cli.completing import profiles, targets
from specflow.cli.hosts import allow_host
from specflow.cli.terminal import put

__all__ = ["command"]

_MARKS = {"well": "✓", "failed": "✗", "left out": "–"}


@click.command(
    "doctor",
    epilog="""\b
Examples:
  specflow doctor --profile emulated
  specflow doctor --profile cloud --target azureml --format json
""",
)
@click.option("--profile", shell_complete=profiles, help="The profile of specflow.yaml to check.")
@click.option(
    "--target", shell_complete=targets, help="Check this platform alone.  [default: all that the profile has]"
)
@click.option("--emulate", is_flag=True, help="Check the platforms' emulators on this machine.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@allow_host
def command(profile: str | None, target: str | None, emulate: bool, format_: str) -> int:
    """Check what a profile names: installed extras, logins, workspaces, computes, and the store from each side.

    Ends with 4 if a platform could not be asked, with 1 if anything else is wrong. Prints no secret.
    """
    from specflow.cli.platforms import platforms_here, profile_here, targets_of
    from specflow.operations.doctor import diagnose, exit_code
    from specflow.spec.load import find_root

    found = profile_here(profile)
    if found is None:
        return 1
    root = find_root(FilePath.cwd())
    names = tuple(targets_of(found.targets, target, emulates=emulate)) if target or found.targets or emulate else ()
    examined = []
    with platforms_here(root, emulates=emulate) as platforms:
        for one in diagnose(found, names, platforms, root):
            examined.append(one)
            if format_ == "text":
                _print(one)
    if format_ == "json":
        put(sys.stdout, json.dumps({"targets": [asdict(one) for one in examined]}, indent=2) + "\n")
    return exit_code(tuple(examined))


def _print(examined: Any) -> None:
    put(sys.stdout, f"{examined.target}\n")
    width = max(len(check.what) for check in examined.checks)
    for check in examined.checks:
        put(sys.stdout, f"  {_MARKS[check.state]} {check.what.ljust(width)}  {check.message}\n")
        if check.help:
            put(sys.stdout, f"    = help: {check.help}\n")
