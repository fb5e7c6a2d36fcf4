"""specflow itself as a wheel that travels with a bridge: the same bytes from the same modules, wherever it is made."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path as FilePath

from packaging.requirements import Requirement

from specflow import __version__
from specflow.archive import archive

__all__ = ["requirements", "wheel", "wheel_name"]

_HOME = FilePath(__file__).parent.parent
_INFO = f"specflow-{__version__}.dist-info"
_LEFT_OUT = ("__pycache__",)


def wheel_name() -> str:
    """Return the wheel's file name."""
    return f"specflow-{__version__}-py3-none-any.whl"


@cache
def wheel() -> bytes:
    """Return the wheel of the specflow that runs now, whether it is installed or is being worked on."""
    files = dict(_modules())
    files[f"{_INFO}/METADATA"] = _metadata().encode()
    files[f"{_INFO}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: specflow\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{_INFO}/entry_points.txt"] = _entry_points().encode()
    lines = [f"{name},sha256={_hash(content)},{len(content)}" for name, content in sorted(files.items())]
    files[f"{_INFO}/RECORD"] = "\n".join([*lines, f"{_INFO}/RECORD,,", ""]).encode()
    return archive(files)


def requirements(extra: str) -> tuple[str, ...]:
    """Return the requirement lines of specflow with an extra, as its own metadata says."""
    found = []
    for line in metadata.requires("specflow") or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            requirement.marker = None
            found.append(str(requirement))
    return tuple(sorted(found))


def _modules() -> Iterator[tuple[str, bytes]]:
    for path in sorted(_HOME.rglob("*")):
        below = path.relative_to(_HOME)
        if path.is_file() and not set(below.parts) & set(_LEFT_OUT):
            yield f"specflow/{below.as_posix()}", path.read_bytes()


def _metadata() -> str:
    """Return name, version and requirements: what an installer needs."""
    lines = ["Metadata-Version: 2.1", "Name: specflow", f"Version: {__version__}"]
    lines += [f"Requires-Dist: {line}" for line in sorted(metadata.requires("specflow") or ())]
    return "\n".join([*lines, ""])


def _entry_points() -> str:
    """Return the targets that are specflow's own: those of other packages do not travel."""
    own = metadata.distribution("specflow").entry_points.select(group="specflow.targets")
    return "\n".join(["[specflow.targets]", *(f"{each.name} = {each.value}" for each in sorted(own)), ""])


def _hash(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
