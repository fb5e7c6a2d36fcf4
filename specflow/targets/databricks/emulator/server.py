"""The emulator as one thing: a workspace and the server that speaks for it, started and ended together."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path as FilePath
from typing import Any

from specflow.emulation import Clock, Fault, Routes, Server
from specflow.errors import UsageError
from specflow.targets.databricks.emulator.assumptions import Assumptions
from specflow.targets.databricks.emulator.refusals import shape
from specflow.targets.databricks.emulator.service import Workspace
from specflow.targets.databricks.emulator.wire_files import VolumesWire, WorkspaceWire
from specflow.targets.databricks.emulator.wire_jobs import JobsWire, RunsWire
from specflow.targets.databricks.emulator.wire_other import OtherWire

__all__ = ["Emulator", "read_options"]


class Emulator:
    """A loopback workspace: `with Emulator(root) as emulator: emulator.url, emulator.token`."""

    def __init__(
        self,
        root: FilePath,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Iterable[Fault] = (),
        assumptions: Assumptions | None = None,
        clock: Clock | None = None,
        limit: int | None = None,
    ) -> None:
        """Bind a port and open what is kept under the root; `limit` is how many tasks run as processes at once."""
        self.routes = Routes()
        self.server = Server(self.routes, shape, root=root, host=host, port=port, faults=faults)
        self.workspace = Workspace(root, assumptions=assumptions, clock=clock, limit=limit)
        self.workspace.url, self.workspace.token = self.server.url, self.server.token
        self.url, self.token, self.token_file = self.server.url, self.server.token, self.server.token_file
        JobsWire(self.workspace, self.routes)
        RunsWire(self.workspace, self.routes)
        OtherWire(self.workspace, self.routes)
        WorkspaceWire(self.workspace.objects, self.routes)
        VolumesWire(self.workspace.volumes, self.routes)

    @property
    def instructions(self) -> str:
        """Return what a shell has to know for the SDK and the CLI to reach it; both read these variables."""
        return (
            f'export DATABRICKS_HOST={self.url}\nexport DATABRICKS_TOKEN="$(cat {shlex.quote(str(self.token_file))})"'
        )

    def start(self) -> None:
        """Answer requests from now on."""
        self.server.start()

    def stop(self) -> None:
        """Stop answering, end every process, and close what is kept."""
        self.server.stop()
        self.workspace.close()

    def __enter__(self) -> Emulator:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def read_options(options: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return an emulator's arguments as the command line gives them.

    The options are `tasks` (how many run at once), `flip` (an assumption to turn round) and `faults` (a JSON file).
    """
    known = ("tasks", "flip", "faults")
    for name in options:
        if name not in known:
            raise UsageError(f'the Databricks emulator has no option "{name}"', f"there are {', '.join(known)}")
    limit = options.get("tasks", ["0"])[-1]
    if not limit.isdecimal():
        raise UsageError(f'"{limit}" is not a number of tasks', "give a whole number: -o tasks=4")
    assumptions = Assumptions()
    switches = [one.name for one in fields(Assumptions)]
    for name in options.get("flip", ()):
        if name not in switches:
            raise UsageError(f'there is no assumption "{name}"', f"there are {', '.join(switches)}")
        assumptions = replace(assumptions, **{name: not getattr(Assumptions(), name)})
    try:
        faults = [
            Fault.from_data(one) for file in options.get("faults", ()) for one in json.loads(FilePath(file).read_text())
        ]
    except (OSError, ValueError, TypeError, AttributeError) as fault:
        raise UsageError(
            f"the faults can't be read: {fault}", "a faults file holds a list of faults as JSON"
        ) from fault
    return {"faults": faults, "assumptions": assumptions, "limit": int(limit) or None}
