"""`specflow compile`."""

from __future__ import annotations

from pathlib import Path as FilePath

import click

from specflow.cli.completing import profiles, targets

__all__ = ["command"]


@click.command(
    "compile",
    epilog="""\b
Examples:
  specflow compile specs/concrete_strength.yaml --target local -o build
  specflow run build/concrete_strength
""",
)
@click.argument("spec", type=click.Path(path_type=FilePath, exists=True, dir_okay=False))
@click.option("--target", shell_complete=targets, help="Put every step on this target.")
@click.option("--host", shell_complete=targets, help="The target that coordinates a mixed pipeline.  [default: local]")
@click.option("--profile", shell_complete=profiles, help="The profile of specflow.yaml to compile for.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=FilePath, file_okay=False),
    default=FilePath("build"),
    help="Where to write; the plan gets a folder of its name in there.  [default: build]",
)
def command(spec: FilePath, target: str | None, host: str | None, profile: str | None, output: FilePath) -> int:
    """Write the plan of SPEC: one folder with everything that running it reads.

    The same spec gives the same bytes, wherever and whenever it is compiled.
    """
    from specflow.cli.findings import show
    from specflow.cli.options import checked_host, checked_target
    from specflow.plan import save_plan
    from specflow.spec.load import Loader
    from specflow.stages import make_plan, unlocked, validate

    loader = Loader(FilePath.cwd(), profile)
    checked = validate(spec, loader)
    plan, found = make_plan(checked, checked_target(target), checked_host(host))
    show((*found, *unlocked(checked)), loader)
    if plan is None:
        return 1
    folder = output / plan.name
    save_plan(plan, folder)
    click.echo(f"{folder}  {plan.document['digest'][:12]}")
    return 0
