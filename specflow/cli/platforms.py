"""The platforms that a profile names, for the commands that ask them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any

__all__ = ["platforms_here", "profile_here", "targets_of"]


def platforms_here(root: FilePath | None, *, emulates: bool) -> Any:
    """Return the platforms of the project in a folder, of the one around here if none is given."""
    from specflow.bridging.platforms import Platforms
    from specflow.spec.load import find_root
    from specflow.targets.local.workspace import Workspace

    workspace = Workspace(root or find_root(FilePath.cwd()))
    return Platforms(workspace.path / "emulators", emulates=emulates)


def profile_here(name: str | None) -> Any:
    """Return the profile in force here; None where the project file is wrong, which is shown."""
    from specflow.cli.findings import show
    from specflow.spec.load import Loader, find_root

    loader = Loader(FilePath.cwd(), name)
    profile, found = loader.profile_of(find_root(FilePath.cwd()))
    show(found, loader)
    return profile


def targets_of(settings: Mapping[str, Mapping[str, Any]], chosen: str | None, *, emulates: bool) -> Iterable[str]:
    """Return the platforms to ask: the one chosen, else those that the profile knows, all where they are emulated."""
    from specflow.bridging.platforms import platform, platform_names
    from specflow.cli.options import checked_target
    from specflow.errors import UsageError

    if chosen is not None:
        checked_target(chosen)
        platform(chosen)
        return (chosen,)
    known = [name for name in platform_names() if name in settings or emulates]
    if not known:
        raise UsageError(
            "no platform is named", f"name one: --target {' or '.join(platform_names())}, or in specflow.yaml"
        )
    return known
