"""The packages that a target needs beside its own: what its distribution says under the extra of its name."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, entry_points, version

__all__ = ["installed", "needed", "what_brings_them"]


def needed(target: str) -> Iterator[str]:
    """Yield the requirement lines of a target's extra; where it has none, those of its distribution."""
    from packaging.requirements import Requirement

    holder = _holder(target)
    extra = target if holder is not None and target in _extras(holder) else ""
    for line in (holder.requires if holder is not None else None) or ():
        marker = Requirement(line).marker
        is_of_extra = "extra ==" in str(marker)
        if is_of_extra == bool(extra) and (marker is None or marker.evaluate({"extra": extra})):
            yield line


def installed(package: str) -> str | None:
    """Return the version of a package that is here; None if it is not."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def what_brings_them(target: str) -> str:
    """Return what to install for a target."""
    holder = _holder(target)
    if holder is None:
        return target
    name = str(holder.metadata["Name"])
    return f"{name}[{target}]" if target in _extras(holder) else name


def _holder(target: str) -> Distribution | None:
    return next((entry.dist for entry in entry_points(group="specflow.targets") if entry.name == target), None)


def _extras(holder: Distribution) -> list[str]:
    return list(holder.metadata.get_all("Provides-Extra") or ())
