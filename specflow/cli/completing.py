"""What a shell offers for the values of options: targets that are installed, profiles of the project around."""

from __future__ import annotations

from pathlib import Path as FilePath

import click

__all__ = ["profiles", "targets"]


def targets(ctx: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Return the installed targets whose names begin so; none of them is imported for it."""
    del ctx, parameter
    from specflow.installed import installed_targets

    return [name for name in installed_targets() if name.startswith(begun)]


def profiles(ctx: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Return the profiles of the project around here whose names begin so; none of a project file that is wrong."""
    del ctx, parameter
    from specflow.spec.load import PROJECT_FILE, find_root
    from specflow.spec.source import read_document

    file = find_root(FilePath.cwd()) / PROJECT_FILE
    document, _ = read_document(file, PROJECT_FILE) if file.is_file() else (None, ())
    found = document.data.get("profiles") if document is not None and isinstance(document.data, dict) else None
    return [str(name) for name in found or () if str(name).startswith(begun)]
