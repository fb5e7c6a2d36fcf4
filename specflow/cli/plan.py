"""`specflow plan`."""

from __future__ import annotations

import json
import shlex
from pathlib import Path as FilePath
from typing import Any

import click

from specflow.cli.completing import profiles, targets
from specflow.cli.hosts import allow_host

__all__ = ["command"]


@click.command(
    "plan",
    epilog="""\b
Examples:
  specflow plan specs/concrete_mixed.yaml --profile emulated
  specflow plan specs/retrain.yaml --target databricks --deployed --emulate
  specflow plan specs/concrete_strength.yaml -o build && specflow run build/concrete_strength
""",
)
@click.argument("spec", type=click.Path(path_type=FilePath, exists=True))
@click.option(
    "-i", "--input", "inputs", multiple=True, metavar="NAME=VALUE", help="A value for an input, as for `run`."
)
@click.option("--target", shell_complete=targets, help="Put every step on this target.")
@click.option("--profile", shell_complete=profiles, help="The profile of specflow.yaml to plan for.")
@click.option("--host", shell_complete=targets, help="The target that coordinates a mixed pipeline.  [default: local]")
@click.option(
    "--cache/--no-cache", "use_cache", default=True, help="As for `run`: take results of earlier runs or not."
)
@click.option("--deployed", is_flag=True, help="Compare with what is deployed now; this asks the platform.")
@click.option("--emulate", is_flag=True, help="Ask the platform's emulator on this machine.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=FilePath, file_okay=False),
    help="Save the plan into a folder of its name in here: `specflow run` of it, with these inputs, does exactly this.",
)
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@allow_host
def command(
    spec: FilePath,
    inputs: tuple[str, ...],
    target: str | None,
    profile: str | None,
    host: str | None,
    use_cache: bool,
    deployed: bool,
    emulate: bool,
    output: FilePath | None,
    format_: str,
) -> int:
    """Say what running SPEC would do: which steps run where and why, and what crosses between targets.

    Nothing is run, sent or installed. SPEC may be the folder of a plan.
    """
    from specflow.cli.options import plan_for, read_assignments
    from specflow.cli.outlook import as_json, lines
    from specflow.inputs import read_inputs
    from specflow.operations.outlook import look_ahead
    from specflow.plan import is_plan_folder, save_plan
    from specflow.spec.load import find_root
    from specflow.targets.local.data import check_data
    from specflow.targets.local.workspace import Workspace

    plan = plan_for(spec, target, profile, host=host)
    if plan is None:
        return 1
    values, found = read_inputs(plan, read_assignments(inputs), FilePath.cwd())
    if _are_shown(found):
        return 2
    if _are_shown(check_data(plan)):
        return 1
    workspace = Workspace(plan.root or find_root(FilePath.cwd()))
    changes = _changes(plan, emulates=emulate) if deployed else ()
    outlook = look_ahead(plan, values, workspace, use_cache=use_cache, changes=changes)
    if format_ == "json":
        click.echo(json.dumps(as_json(outlook), indent=2))
    else:
        for line in lines(outlook):
            click.echo(line)
    if output is not None and not is_plan_folder(spec):
        folder = output / plan.name
        save_plan(plan, folder)
        more = [*(word for given in inputs for word in ("-i", given)), *([] if use_cache else ["--no-cache"])]
        run_it = f"; what is said above: {shlex.join(['specflow', 'run', str(folder), *more])}" if more else ""
        click.echo(f"saved in {folder}{run_it}", err=True)
    return 0


def _are_shown(found: tuple[Any, ...]) -> bool:
    """Show findings that keep a plan from being run; return whether there were any."""
    if not found:
        return False
    from specflow.cli.findings import show
    from specflow.spec.load import Loader

    show(found, Loader(FilePath.cwd()))
    return True


def _changes(plan: Any, *, emulates: bool) -> tuple[Any, ...]:
    """Return what deploying a plan would change on its platform."""
    from specflow.cli.platforms import platforms_here
    from specflow.operations.deployment import compare, installable

    island = installable(plan, None)
    with platforms_here(plan.root, emulates=emulates) as platforms:
        client = platforms.connect(island["target"], island["settings"])
        try:
            return (compare(plan, island, client.deployments()),)
        finally:
            client.close()
