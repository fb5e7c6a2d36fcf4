"""`specflow probe`."""

from __future__ import annotations

import json
from pathlib import Path as FilePath

import click

from specflow.cli.completing import profiles, targets
from specflow.cli.hosts import allow_host

__all__ = ["command"]


@click.command(
    "probe",
    epilog="""\b
Examples:
  specflow probe --profile cloud --target databricks -o report.json
  specflow probe --target azureml --emulate
""",
)
@click.option("--profile", shell_complete=profiles, help="The profile of specflow.yaml that says which workspace.")
@click.option("--target", shell_complete=targets, required=True, help="The platform.")
@click.option("--emulate", is_flag=True, help="Measure the platform's emulator on this machine.")
@click.option(
    "-o", "--output", type=click.Path(path_type=FilePath, dir_okay=False), help="Write the report into this file."
)
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@allow_host
def command(profile: str | None, target: str, emulate: bool, output: FilePath | None, format_: str) -> int:
    """Measure on your workspace what specflow assumes of a platform, and could not verify without one.

    Small jobs are run there, on the compute that the profile calls `default`, and removed. The report names nothing of
    the workspace and holds no secret: please send it back.
    """
    from specflow.cli.platforms import platforms_here, profile_here, targets_of
    from specflow.operations.measure import measure, report

    found = profile_here(profile)
    if found is None:
        return 1
    targets_of(found.targets, target, emulates=emulate)
    measured = []
    with platforms_here(None, emulates=emulate) as platforms:
        for one in measure(found, target, platforms):
            measured.append(one)
            if format_ == "text":
                words = {None: "not measured", one.assumed: "as assumed", not one.assumed: "NOT as assumed"}
                why = f": {one.note}" if one.note else ""
                click.echo(f"{words[one.found]:<14}  {one.name}{why}")
    document = json.dumps(report(target, tuple(measured), is_emulated=emulate), indent=2) + "\n"
    if format_ == "json":
        click.echo(document, nl=False)
    if output is not None:
        output.write_text(document, encoding="utf-8")
        click.echo(f"the report is in {output}: please send it back", err=True)
    return 0
