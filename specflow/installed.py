"""Which targets are installed: the entry points of the group `specflow.targets`, read where packages list theirs.

`importlib.metadata` reads the same files. It brings an e-mail parser, which takes longer than a small run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from functools import cache

__all__ = ["installed_targets"]

GROUP = "specflow.targets"
_KINDS = (".dist-info", ".egg-info")


@cache
def installed_targets() -> Mapping[str, str]:
    """Return `module:attribute` by the target's name, names in order; of two by one name, the first on the path."""
    found: dict[str, str] = {}
    for entry in sys.path:
        for name, where in _below(entry or os.curdir):
            found.setdefault(name, where)
    return dict(sorted(found.items()))


def _below(folder: str) -> Iterator[tuple[str, str]]:
    try:
        names = os.listdir(folder)  # noqa: PTH208 - every package that is installed
    except OSError:  # not there, or no folder
        return
    for name in sorted(names):
        if name.endswith(_KINDS):
            try:
                with open(f"{folder}/{name}/entry_points.txt", encoding="utf-8") as stream:  # noqa: PTH123
                    text = stream.read()
            except OSError:  # most packages have none
                continue
            yield from _of_group(text)


def _of_group(text: str) -> Iterator[tuple[str, str]]:
    section = ""
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("["):
            section = line.strip("[] ")
        elif section == GROUP and "=" in line and not line.startswith(("#", ";")):
            name, _, where = line.partition("=")
            yield name.strip(), where.partition("[")[0].strip()
