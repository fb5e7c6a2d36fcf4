"""The command line: the commands' names and a line on each; their modules are imported when they are called.

What is typed most must not wait for what it does not need. So help, version and a run that has nothing to do are
answered here; everything else is click's, see group.py.
"""

from __future__ import annotations

import gc
import os
import sys

from specflow import __version__

__all__ = ["ABOUT", "COMMANDS", "EXAMPLES", "main"]

ABOUT = "ML pipelines written once, as vendor-neutral YAML specs; run here, on Azure ML or on Databricks."

COMMANDS = {
    "validate": ("specflow.cli.validate", "Tell every mistake in specs, with its place and a way out."),
    "run": ("specflow.cli.run", "Run a spec, or a plan that was compiled from one."),
    "plan": ("specflow.cli.plan", "Say what running a spec would do, before anything is sent."),
    "compile": ("specflow.cli.compile", "Write the plan of a spec into a folder."),
    "publish": ("specflow.cli.publish", "Make a pipeline callable over REST on a target."),
    "deploy": ("specflow.cli.deploy", "Install a spec as a job with its schedule on a platform."),
    "undeploy": ("specflow.cli.undeploy", "Remove what `deploy` installed."),
    "deployments": ("specflow.cli.deployments", "List what `deploy` has installed."),
    "lock": ("specflow.cli.lock", "Pin every version in the environments of specs."),
    "runs": ("specflow.cli.runs", "List the runs of this project; show, compare, resume or cancel one."),
    "logs": ("specflow.cli.logs", "Print what a step wrote."),
    "report": ("specflow.cli.report", "Write a run as one page for a browser."),
    "why": ("specflow.cli.why", "Say why a step ran, or did not have to."),
    "lineage": ("specflow.cli.lineage", "Say how a file came to be: run, step, code and inputs."),
    "cache": ("specflow.cli.cache", "See, check and clean the results of earlier runs."),
    "store": ("specflow.cli.store", "See and clean what jobs have left in the exchange store."),
    "graph": ("specflow.cli.graph", "Draw a spec's steps and how they hang together."),
    "explain": ("specflow.cli.explain", "Say what a diagnostic's code means, with examples."),
    "schema": ("specflow.cli.schema", "Print the JSON schema of a kind of file."),
    "doctor": ("specflow.cli.doctor", "Check what a profile names: extras, logins, workspaces, computes, store."),
    "probe": ("specflow.cli.probe", "Measure on a workspace what specflow assumes of its platform."),
    "emulate": ("specflow.cli.emulate", "Serve a platform's own protocol on this machine, and run what it accepts."),
    "conformance": ("specflow.cli.conformance", "Run the conformance suite on a target."),
    "init": ("specflow.cli.init", "Begin a project: a small pipeline that runs at once."),
    "completion": ("specflow.cli.completion", "Print the completion script of a shell."),
}

MOST_JOBS = 10_000

EXAMPLES = """\
Examples:
  specflow init my_project
  specflow validate specs/*.yaml
  specflow run specs/concrete_strength.yaml -i test_fraction=0.3
"""


def main() -> None:
    """Run the command line and end the process with its exit code: 0, 1, 2 usage, 3 a bug, 4 unreachable, 130."""
    _open_streams()
    sys.exit(_run(sys.argv[1:]))


def _open_streams() -> None:
    """Have all three standard streams: one that was closed would be the next file that is opened, the history say."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as the process
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as the process


def _run(args: list[str]) -> int:
    gc.disable()  # commands are short, and what they make lasts as long as they do; a run that is not turns it on again
    from specflow.errors import SpecflowError

    try:
        if "_SPECFLOW_COMPLETE" not in os.environ and args in (["-h"], ["--help"], ["-V"], ["--version"]):
            _say(args[0])
            return 0
        code = _unchanged(args[1:]) if args[:1] == ["run"] else None
        if code is None:
            from specflow.cli.group import call

            code = call()
        return code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)  # noqa: T201
        return 130
    except SpecflowError as failure:
        print(f"error: {failure.message}", file=sys.stderr)  # noqa: T201
        if failure.help:
            print(f"  = help: {failure.help}", file=sys.stderr)  # noqa: T201
        return failure.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as failure:
        from specflow.cli.failures import tell_bug, tell_outside

        code = tell_outside(failure, args)
        return tell_bug(failure) if code is None else code


def _say(option: str) -> None:
    """Print the help or the version."""
    if option in ("-V", "--version"):
        text = f"specflow {__version__}\n"
    else:
        from specflow.cli.help import help_text

        text = help_text()
    sys.stdout.write(text)
    sys.stdout.flush()  # here, where what comes of it is told


def _unchanged(args: list[str]) -> int | None:
    """Return the exit code of a run with the plainest of arguments that has nothing to do; None for any other."""
    specs, quiet, format_ = [], False, "text"
    words = iter(args)
    for word in words:
        if word in ("-q", "--quiet"):
            quiet = True
        elif word in ("-j", "--jobs"):
            jobs = next(words, "")
            if not jobs.isdecimal() or not 1 <= int(jobs) <= MOST_JOBS:
                return None
        elif word == "--format":
            format_ = next(words, "")
        elif word.startswith("-"):
            return None
        else:
            specs.append(word)
    if len(specs) != 1 or format_ not in ("text", "json"):
        return None
    from specflow.targets.local.replay import replay

    def show() -> object:
        from specflow.cli.progress import display

        return display(format_, quiet=quiet)

    return replay(specs[0], show)
