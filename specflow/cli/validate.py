"""`specflow validate`."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path as FilePath
from typing import Any

import click

__all__ = ["command"]


@click.command(
    "validate",
    epilog="""\b
Examples:
  specflow validate specs/concrete_strength.yaml
  specflow validate specs steps --format github
""",
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=FilePath))
@click.option("--profile", help="The profile of specflow.yaml to check against.")
@click.option(
    "--format", "format_", type=click.Choice(["text", "json", "sarif", "github"]), default="text", help="How to print."
)
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
def command(paths: tuple[FilePath, ...], profile: str | None, format_: str, strict: bool) -> int:
    """Tell every mistake in specs, with file, line, column and a way out.

    PATHS are spec files and folders; a folder stands for every spec below it. Without PATHS: the current folder.
    Silent and 0 when all is well.
    """
    from specflow.cli.findings import show
    from specflow.diagnostics import Diagnostic, Span, error
    from specflow.spec.load import Loader
    from specflow.stages import specs_below, validate

    loader = Loader(FilePath.cwd(), profile)
    found: list[Diagnostic] = []
    for path in paths or (FilePath(),):
        if path.is_dir():
            specs = list(specs_below(path))
            if not specs:
                help_ = 'a spec is a YAML file that says "specflow: 1"'
                found.append(error("unreadable-file", f'there is no spec in "{path}"', Span(str(path)), help_))
        else:
            specs = [path]
        for spec in specs:
            checked = validate(spec, loader)
            found.extend(checked.diagnostics)
            if path == spec and not checked.diagnostics:
                _keep_plan(checked, spec, profile)
    show(found, loader, format_=format_, stream=sys.stdout)  # type: ignore[arg-type]  # one of the choices
    return 1 if any(d.severity == "error" or strict for d in found) else 0


def _keep_plan(checked: Any, spec: FilePath, profile: str | None) -> None:
    """Keep the plan of a spec that is fine, so that running it next need not read it again; or don't, if we can't."""
    from dataclasses import asdict

    from specflow.errors import SpecflowError
    from specflow.recall.memory import remember
    from specflow.stages import make_plan
    from specflow.targets.local.workspace import Workspace

    with contextlib.suppress(OSError, SpecflowError):
        plan, found = make_plan(checked, None)
        if plan is not None and not plan.contents and plan.root is not None:
            Workspace(plan.root).open()
            remember(spec, None, profile, plan, plan.watched, [asdict(finding) for finding in found])
