"""`specflow lock`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import Any

import click

from specflow.cli.terminal import counted

__all__ = ["command"]


@click.command(
    "lock",
    epilog="""\b
Examples:
  specflow lock specs/concrete_strength.yaml
  specflow lock
  specflow lock --check
""",
)
@click.argument("specs", nargs=-1, type=click.Path(path_type=FilePath, exists=True, dir_okay=False))
@click.option("--check", "is_check", is_flag=True, help="Write nothing; exit code 1 if the lock is out of date.")
@click.option("--upgrade", is_flag=True, help="Resolve anew, to the latest versions that fit.")
@click.option("--profile", help="The profile of specflow.yaml to read the specs with.")
def command(specs: tuple[FilePath, ...], is_check: bool, upgrade: bool, profile: str | None) -> int:
    """Pin every version in the environments of SPECS, in `specflow.lock` at the project's root.

    Without SPECS all specs of the project are locked, and what none of them asks for goes from the file. What is pinned
    already stays as it is, unless --upgrade.
    """
    from specflow.environments.installers import find_uv
    from specflow.environments.lock import LOCK_FILE, Lock, lock_text, read_lock
    from specflow.environments.resolve import resolve
    from specflow.errors import UsageError
    from specflow.spec.load import find_root
    from specflow.stages import specs_below

    if is_check and upgrade:
        raise UsageError("--check writes nothing, so there is nothing to upgrade", "leave one of them out")
    root = find_root(specs[0].absolute().parent if specs else FilePath.cwd())
    if any(find_root(spec.absolute().parent) != root for spec in specs):
        raise UsageError("the specs are in different projects, and each has a lock of its own", "lock them one by one")
    wanted = _wanted(specs or tuple(specs_below(root)), profile)
    if wanted is None:
        return 1
    before = read_lock(root)
    kept = before.entries if specs else {key: entry for key, entry in before.entries.items() if key in wanted}
    missing = [needs for key, needs in wanted.items() if upgrade or key not in before.entries]
    if is_check:
        return _check(missing, len(before.entries) - len(kept))
    uv = find_uv()
    made = {needs.key: resolve(needs, Lock() if upgrade else before, uv) for needs in missing}
    after = Lock({**kept, **made})
    if after != before or not (root / LOCK_FILE).exists():
        _write(root / LOCK_FILE, lock_text(after))
    if made and uv is None:
        click.echo("note: without uv, the versions were resolved for this Python and platform alone", err=True)
    pinned = {line.partition(" ")[0] for key in wanted for line in after.entries[key].packages}
    click.echo(
        f"{LOCK_FILE}: {counted(len(wanted), 'environment')}, {counted(len(pinned), 'package')}, "
        f"{len(made)} resolved now"
    )
    return 0


def _wanted(specs: Sequence[FilePath], profile: str | None) -> dict[str, Any] | None:
    """Return what the specs ask for, by key; None, and what is wrong shown, where one of them has errors."""
    from specflow.cli.findings import show
    from specflow.environments.lock import needs_of_graph
    from specflow.spec.load import Loader
    from specflow.stages import validate

    loader = Loader(FilePath.cwd(), profile)
    wanted: dict[str, Any] = {}
    is_sound = True
    for spec in specs:
        checked = validate(spec, loader)
        if checked.graph is None:
            show(checked.diagnostics, loader)
            is_sound = False
            continue
        wanted.update({needs.key: needs for needs in needs_of_graph(checked.graph)})
    return wanted if is_sound else None


def _check(missing: Sequence[Any], stale: int) -> int:
    from specflow.environments.lock import LOCK_FILE

    for needs in missing:
        asked = ", ".join((*needs.lines, *(wheel.name for wheel in needs.wheels)))
        click.echo(f"{LOCK_FILE} does not pin the environment with {asked}", err=True)
    if stale:
        click.echo(f"{LOCK_FILE} pins {stale} that no spec asks for", err=True)
    if missing or stale:
        click.echo("  = help: run `specflow lock`", err=True)
        return 1
    click.echo(f"{LOCK_FILE} is up to date")
    return 0


def _write(file: FilePath, text: str) -> None:
    """Replace a file in one step."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)
