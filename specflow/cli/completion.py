"""`specflow completion`."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command(
    "completion",
    epilog="""\b
Examples:
  specflow completion bash >> ~/.bashrc
  specflow completion fish > ~/.config/fish/completions/specflow.fish
""",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print the script that completes specflow's commands and options in a SHELL."""
    from click.shell_completion import get_completion_class

    from specflow.cli.group import cli

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(cli, {}, "specflow", "_SPECFLOW_COMPLETE").source())
    return 0
