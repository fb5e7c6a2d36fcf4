"""The command line as click sees it: a group of commands that are imported when they are called."""

from __future__ import annotations

import importlib

import click

from specflow import __version__
from specflow.cli import ABOUT, COMMANDS, EXAMPLES

__all__ = ["call", "cli"]


class _Lazy(click.Group):
    """A group whose commands live in modules that are imported when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order a newcomer meets them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command, its module imported."""
        del ctx
        if name not in COMMANDS:
            return None
        loaded: click.Command = importlib.import_module(COMMANDS[name][0]).command
        return loaded

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the words name; for an unknown one say which is near."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            way_out = f'did you mean "{near[0]}"?' if near else f"there are {', '.join(COMMANDS)}"
            ctx.fail(f'there is no command "{args[0]}"; {way_out}')
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    help=ABOUT,
    cls=_Lazy,
    epilog=f"\b\n{EXAMPLES}",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", message="specflow %(version)s")
def cli() -> None:  # noqa: D103 - it is in ABOUT
    pass


def call() -> int:
    """Return the exit code of the command that the process was called with."""
    try:
        result = cli.main(standalone_mode=False, prog_name="specflow")
        return result if isinstance(result, int) else 0
    except click.ClickException as failure:
        failure.show()
        return failure.exit_code
    except SystemExit:  # from click, and then for one reason only: nobody reads what is said, which is no failure
        return 0
    except click.exceptions.Abort as abort:
        raise KeyboardInterrupt from abort
