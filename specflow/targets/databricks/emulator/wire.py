"""The emulator as a whole: a workspace, and the server that speaks for it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path as FilePath

from specflow.emulation import Clock, Fault, Routes, Server
from specflow.targets.databricks.emulator.assumptions import Assumptions
from specflow.targets.databricks.emulator.refusals import shape
from specflow.targets.databricks.emulator.service import Workspace
from specflow.targets.databricks.emulator.wire_files import VolumesWire, WorkspaceWire
from specflow.targets.databricks.emulator.wire_jobs import JobsWire, RunsWire
from specflow.targets.databricks.emulator.wire_other import OtherWire

__all__ = ["Emulator"]


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
