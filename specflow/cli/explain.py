"""`specflow explain`."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command(
    "explain",
    epilog="""\b
Examples:
  specflow explain unknown-output
  specflow explain --list
""",
)
@click.argument("code", required=False)
@click.option("--list", "list_", is_flag=True, help="List every code with a line on it.")
def command(code: str | None, list_: bool) -> int:
    """Say what a diagnostic's CODE means, why specflow refuses it, and what to do, with examples."""
    from specflow.diagnostics.codes import codes, explain

    if list_ or code is None:
        width = max(map(len, codes()))
        for name, entry in codes().items():
            click.echo(f"{name.ljust(width)}  {entry.summary}")
        return 0
    click.echo(explain(code))
    return 0
