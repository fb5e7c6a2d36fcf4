"""The emulator as a target's own: a workspace of this machine, started and ended with what runs on it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from specflow.targets.databricks.emulator.server import Emulator

__all__ = ["Emulated"]


class Emulated:
    """A workspace on loopback; `settings` are what the client is given in place of the profile's."""

    def __init__(self, root: FilePath, settings: Mapping[str, Any]) -> None:
        """Bind a port; what the profile says of files on the workspace stays."""
        self.emulator = Emulator(root)
        kept = {key: value for key, value in settings.items() if key not in ("host", "token")}
        self.settings: Mapping[str, Any] = {**kept, "host": self.emulator.url, "token": self.emulator.token}

    def start(self) -> None:
        """Begin to answer."""
        self.emulator.start()

    def stop(self) -> None:
        """End it, and every task."""
        self.emulator.stop()
