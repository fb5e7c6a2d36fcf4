"""`specflow graph`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path as FilePath

import click

__all__ = ["command"]


@click.command(
    "graph",
    epilog="""\b
Examples:
  specflow graph specs/concrete_strength.yaml
  specflow graph specs/retrain.yaml --format svg -o retrain.svg
""",
)
@click.argument("spec", type=click.Path(path_type=FilePath, exists=True, dir_okay=False))
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "mermaid", "dot", "svg"]),
    default="text",
    help="What to draw with.",
)
@click.option("--target", help="Put every step on this target.")
@click.option("--profile", help="The profile of specflow.yaml that places steps.")
@click.option("--collapse", is_flag=True, help="Draw a matrix as one box.")
@click.option("-o", "--output", type=click.Path(path_type=FilePath, dir_okay=False), help="Write into this file.")
def command(
    spec: FilePath, format_: str, target: str | None, profile: str | None, collapse: bool, output: FilePath | None
) -> int:
    """Draw the steps of SPEC and how they hang together, in one lane per target."""
    from specflow.cli.findings import show
    from specflow.cli.options import checked_target
    from specflow.cli.terminal import is_colourful
    from specflow.graph.draw import draw
    from specflow.graph.placement import place
    from specflow.spec.load import Loader
    from specflow.stages import validate

    loader = Loader(FilePath.cwd(), profile)
    checked = validate(spec, loader)
    show(checked.diagnostics, loader)
    if checked.graph is None or checked.workspace is None:
        return 1
    placed = place(checked.graph, checked.workspace, target=checked_target(target), host="local")
    width = shutil.get_terminal_size().columns
    colour = output is None and is_colourful(sys.stdout)
    text = draw(checked.graph, placed, format_, expand=not collapse, colour=colour, width=width)
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")
    return 0
