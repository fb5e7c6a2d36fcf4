"""The exchange store: one place that several targets reach, each by its own address for it.

An output that lies in it on one side is read from it on another: its address is translated, nothing is copied. The
addresses of the store are the profile's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath

__all__ = ["Exchange"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """The store of a profile: its address by target, and the project's folder that a path of ours starts from."""

    addresses: Mapping[str, str]
    root: FilePath

    def has(self, target: str) -> bool:
        """Return whether a target reaches the store."""
        return target in self.addresses

    def name(self, address: str, source: str, target: str) -> str | None:
        """Return how one target names a place that another names by an address; None outside the store.

        This machine reaches a store that is a folder; one at an address it does not, and neither does a target that the
        profile gives none.
        """
        if source not in self.addresses or target not in self.addresses:
            return None
        rest = _below(address, self._prefix(source))
        if rest is None or (target == "local" and "://" in self.addresses["local"]):
            return None
        return f"{self._prefix(target)}/{rest}"

    def rest(self, target: str, address: str) -> str | None:
        """Return what of a target's address comes after the store's own; None where it lies elsewhere."""
        return _below(address, self._prefix(target)) if target in self.addresses else None

    def below(self, target: str, rest: str) -> str:
        """Return a target's address of a place that is named from the store's root."""
        return f"{self._prefix(target)}/{rest}"

    def from_outside(self, target: str) -> dict[str, str] | None:
        """Return the store as an emulator is told of it: a target's address, and the folder here that is behind it."""
        local = self.addresses.get("local", "://")
        if target not in self.addresses or "://" in local:
            return None
        return {"address": self._prefix(target), "folder": self._prefix("local")}

    def _prefix(self, target: str) -> str:
        prefix = self.addresses[target].rstrip("/")
        if target == "local" and "://" not in prefix:
            return str(FilePath(os.path.normpath(self.root / prefix)))
        return prefix


def _below(address: str, prefix: str) -> str | None:
    """Return what of an address comes after the store's own; None if it lies elsewhere, or leads out of it."""
    if not address.startswith(f"{prefix}/"):
        return None
    rest = address[len(prefix) + 1 :]
    return None if ".." in rest.split("/") else rest
