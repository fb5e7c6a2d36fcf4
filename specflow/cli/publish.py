"""`specflow publish`."""

from __future__ import annotations

from pathlib import Path as FilePath

import click

from specflow.cli.completing import profiles, targets
from specflow.cli.hosts import allow_host

__all__ = ["command"]


@click.command(
    "publish",
    epilog="""\b
Examples:
  specflow publish specs/concrete_strength.yaml --target azureml -o build
  specflow publish specs/concrete_strength.yaml --target azureml --profile prod --create
""",
)
@click.argument("spec", type=click.Path(path_type=FilePath, exists=True, dir_okay=False))
@click.option("--target", shell_complete=targets, required=True, help="The target that shall offer the pipeline.")
@click.option("--profile", shell_complete=profiles, help="The profile of specflow.yaml to publish by.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=FilePath, file_okay=False),
    default=FilePath("build"),
    help="Where to write; it gets a folder of its name in there.  [default: build]",
)
@click.option("--create", is_flag=True, help="Also make it on the platform that the profile names.")
@click.option("--emulate", is_flag=True, help="With --create: on the platform's emulator, to see that it is taken.")
@allow_host
def command(spec: FilePath, target: str, profile: str | None, output: FilePath, *, create: bool, emulate: bool) -> int:
    """Write what makes SPEC callable over REST on a target, and with --create make it so."""
    from specflow.cli.findings import show
    from specflow.cli.options import checked_target
    from specflow.cli.platforms import platforms_here
    from specflow.errors import UsageError
    from specflow.plan import write_files
    from specflow.spec.load import Loader
    from specflow.stages import make_plan, unlocked, validate
    from specflow.targets.base import target as target_of

    which = target_of(str(checked_target(target)))
    if not hasattr(which, "published"):
        raise UsageError(f'"{target}" has no way to offer a pipeline to others', "use `specflow deploy`")
    loader = Loader(FilePath.cwd(), profile)
    checked = validate(spec, loader)
    plan, found = make_plan(checked, target)
    show((*found, *unlocked(checked)), loader)
    if plan is None:
        return 1
    (island,) = plan.document["islands"]
    folder = output / f"{plan.name}-{target}"
    folder.mkdir(parents=True, exist_ok=True)
    write_files(plan, folder, island["folder"])
    for name, content in which.published(folder, island["native"], island["digest"]).items():
        (folder / name).write_bytes(content)
    click.echo(str(folder))
    if create:
        with platforms_here(plan.root, emulates=emulate) as platforms:
            client = platforms.connect(target, island["settings"])
            try:
                click.echo(client.publish(folder, island["native"], island["digest"]))
            finally:
                client.close()
    return 0
