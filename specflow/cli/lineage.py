"""`specflow lineage`."""

from __future__ import annotations

from pathlib import Path as FilePath

import click

__all__ = ["command"]


@click.command(
    "lineage",
    epilog="""\b
Examples:
  specflow lineage results/plot.png
""",
)
@click.argument("path", type=click.Path(path_type=FilePath, exists=True))
def command(path: FilePath) -> int:
    """Say which run, step, code and inputs produced a file or folder at PATH, back to the sources. Copies count."""
    from specflow.cli.project import open_history
    from specflow.targets.local.lineage import lineage

    _, history = open_history()
    found = lineage(history, path)
    if not found:
        click.echo(f'nothing that was run here made "{path}": no result has its content', err=True)
        return 1
    click.echo("\n".join(found))
    return 0
