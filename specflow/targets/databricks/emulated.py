"""The emulator as the stand-in for a profile's workspace: it has whatever cluster and secret a job names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from specflow.attempt.relay import neighbour_variables
from specflow.targets.databricks.emulator.server import Emulator, read_options

__all__ = ["Emulated", "open_emulated"]


class Emulated:
    """A workspace on loopback, for `--emulate`: a real one would refuse what it does not have, this one makes it.

    Secrets come from this machine, by their names: those that the user allowed.
    """

    def __init__(self, root: FilePath, settings: Mapping[str, Any], **options: Any) -> None:
        """Bind a port; what the profile says of files on the workspace stays."""
        self.emulator = Emulator(root, **options)
        self.secrets: Mapping[str, str] = {}
        self.adopt(settings)
        kept = {key: value for key, value in settings.items() if key not in ("host", "token", "secrets", "exchange")}
        loopback = {"host": self.emulator.url, "token": self.emulator.token, "provide": self.provide}
        self.settings: Mapping[str, Any] = {**kept, **loopback}

    def adopt(self, settings: Mapping[str, Any]) -> None:
        """Take the exchange store and the secrets of a profile, and where the other emulators of a run are."""
        exchange = settings.get("exchange")
        if exchange is not None:
            self.emulator.workspace.volumes.attach(exchange["address"], FilePath(exchange["folder"]))
        self.secrets = settings.get("secrets", {})
        self.emulator.workspace.processes.variables.update(neighbour_variables(settings))

    def start(self) -> None:
        """Begin to answer."""
        self.emulator.start()

    def stop(self) -> None:
        """End it, and every task."""
        self.emulator.stop()

    def provide(self, settings: Mapping[str, Any]) -> None:
        """Make what a job names: clusters that exist, and secrets in their scopes."""
        workspace = self.emulator.workspace
        for task in settings.get("tasks", ()):
            cluster = task.get("existing_cluster_id")
            if cluster is not None and workspace.state.get("clusters", cluster) is None:
                workspace.state.put("clusters", cluster, {"cluster_id": cluster, "state": "RUNNING"})
            for parameter in task.get("spark_python_task", {}).get("parameters", ()):
                if parameter.startswith("--bind="):
                    self._provide_secret(*parameter.removeprefix("--bind=").split("=", 1))

    def _provide_secret(self, name: str, place: str) -> None:
        scope, _, key = place.partition("/")
        if name in self.secrets:
            self.emulator.workspace.secrets.lend(scope, key, self.secrets[name].encode())


def open_emulated(root: FilePath, port: int, options: Mapping[str, Sequence[str]]) -> Emulated:
    """Return a stand-in for `specflow emulate`, its options as the command line gives them."""
    return Emulated(root, {}, port=port, **read_options(options))
