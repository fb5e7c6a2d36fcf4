"""`specflow report`."""

from __future__ import annotations

import time
from pathlib import Path as FilePath

import click

__all__ = ["command"]


@click.command(
    "report",
    epilog="""\b
Examples:
  specflow report
  specflow report 1a2b3c -o run.html
""",
)
@click.argument("run", required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=FilePath, dir_okay=False),
    help="Write into this file.  [default: PIPELINE-RUN.html, here]",
)
def command(run: str | None, output: FilePath | None) -> None:
    """Write one RUN (the latest unless said) as a page that any browser shows, on any machine, without a network."""
    from specflow.cli.project import find_run, open_history
    from specflow.errors import UsageError
    from specflow.report import gather, page

    workspace, history = open_history()
    row = find_run(history, run)
    file = output if output is not None else FilePath(f"{row.pipeline}-{row.id}.html")
    text = page(gather(history, workspace, row, row.state, time.time()))
    try:
        file.write_text(text, encoding="utf-8", errors="replace")
    except OSError as failure:
        raise UsageError(f'can\'t write "{file}": {failure.strerror}', "name another file with -o") from failure
    click.echo(file)
