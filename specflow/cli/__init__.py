"""The command line: the commands' names and a line on each; their modules are imported when they are called."""

from __future__ import annotations

import importlib
import os
import sys

import click

from specflow import __version__

__all__ = ["main"]

_COMMANDS = {
    "validate": ("specflow.cli.validate", "Tell every mistake in specs, with its place and a way out."),
    "run": ("specflow.cli.run", "Run a spec, or a plan that was compiled from one."),
    "compile": ("specflow.cli.compile", "Write the plan of a spec into a folder."),
    "publish": ("specflow.cli.publish", "Make a pipeline callable over REST on a target."),
    "lock": ("specflow.cli.lock", "Pin every version in the environments of specs."),
    "runs": ("specflow.cli.runs", "List the runs of this project; show, compare, resume or cancel one."),
    "logs": ("specflow.cli.logs", "Print what a step wrote."),
    "report": ("specflow.cli.report", "Write a run as one page for a browser."),
    "why": ("specflow.cli.why", "Say why a step ran, or did not have to."),
    "lineage": ("specflow.cli.lineage", "Say how a file came to be: run, step, code and inputs."),
    "cache": ("specflow.cli.cache", "See, check and clean the results of earlier runs."),
    "graph": ("specflow.cli.graph", "Draw a spec's steps and how they hang together."),
    "explain": ("specflow.cli.explain", "Say what a diagnostic's code means, with examples."),
    "schema": ("specflow.cli.schema", "Print the JSON schema of a kind of file."),
    "emulate": ("specflow.cli.emulate", "Serve a platform's own protocol on this machine, and run what it accepts."),
    "conformance": ("specflow.cli.conformance", "Run the conformance suite on a target."),
    "init": ("specflow.cli.init", "Begin a project: a small pipeline that runs at once."),
    "completion": ("specflow.cli.completion", "Print the completion script of a shell."),
}

_EXAMPLES = """\b
Examples:
  specflow init my_project
  specflow validate specs/*.yaml
  specflow run specs/concrete_strength.yaml -i test_fraction=0.3
"""


class _Lazy(click.Group):
    """A group whose commands live in modules that are imported when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order a newcomer meets them."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command, its module imported."""
        del ctx
        if name not in _COMMANDS:
            return None
        loaded: click.Command = importlib.import_module(_COMMANDS[name][0]).command
        return loaded

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the words name; for an unknown one say which is near."""
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], _COMMANDS, n=1)
            way_out = f'did you mean "{near[0]}"?' if near else f"there are {', '.join(_COMMANDS)}"
            ctx.fail(f'there is no command "{args[0]}"; {way_out}')
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in _COMMANDS.items()])


@click.group(
    cls=_Lazy, epilog=_EXAMPLES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, "-V", "--version", message="specflow %(version)s")
def cli() -> None:
    """ML pipelines written once, as vendor-neutral YAML specs; run here, on Azure ML or on Databricks."""


def main() -> None:
    """Run the command line and end the process with its exit code: 0, 1, 2 usage, 3 a bug, 4 unreachable, 130."""
    sys.exit(_run())


def _run() -> int:
    from specflow.errors import SpecflowError

    try:
        result = cli.main(standalone_mode=False, prog_name="specflow")
        return result if isinstance(result, int) else 0
    except click.ClickException as failure:
        failure.show()
        return failure.exit_code
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        return 130
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        return 130
    except SpecflowError as failure:
        click.echo(f"error: {failure.message}", err=True)
        if failure.help:
            click.echo(f"  = help: {failure.help}", err=True)
        return failure.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as failure:
        return _bug(failure)


def _bug(failure: Exception) -> int:
    """Say in one line that this is our fault, and keep the details in a file; return the exit code."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="specflow-bug-", suffix=".txt", delete=False, encoding="utf-8"
    ) as report:
        report.write(f"specflow {__version__}, Python {sys.version}\n{' '.join(sys.argv)}\n\n")
        traceback.print_exception(failure, file=report)
    kind = type(failure).__name__
    click.echo(f"error: this is a bug in specflow: {kind}: {failure}", err=True)
    click.echo(f"  = help: please report it with {report.name}", err=True)
    return 3
