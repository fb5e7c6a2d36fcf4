"""The emulator as one thing: a service, its routes and an HTTP server, started and ended together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path as FilePath
from types import TracebackType
from typing import Any

from specflow.emulation import Clock, Fault, Server
from specflow.errors import UsageError
from specflow.targets.azureml.emulator.assumptions import Assumptions
from specflow.targets.azureml.emulator.client_lines import client_lines
from specflow.targets.azureml.emulator.names import Workspace
from specflow.targets.azureml.emulator.refusals import shape
from specflow.targets.azureml.emulator.service import Service
from specflow.targets.azureml.emulator.wire import Wire

__all__ = ["Emulator", "read_options"]


class Emulator:
    """An Azure ML workspace on loopback. `url`, `token` and `workspace` are what a client needs."""

    def __init__(
        self,
        root: FilePath,
        *,
        port: int = 0,
        workspace: Workspace | None = None,
        assumed: Assumptions | None = None,
        computes: Iterable[str] = (),
        datastores: Iterable[str] = (),
        limit: int | None = None,
        spark_submit: Sequence[str] | None = None,
        faults: Iterable[Fault] = (),
        clock: Clock | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Bind the port (0: any free one); what is kept lies in `root`. Nothing is answered before `start`."""
        service = Service(
            root,
            workspace=workspace,
            assumed=assumed,
            computes=computes,
            datastores=datastores,
            limit=limit,
            spark_submit=spark_submit,
            clock=clock,
            variables=variables,
        )
        self.service, self.workspace = service, service.workspace
        self.wire = Wire(service)
        self.server = Server(self.wire.arm.routes, shape, root=service.root, port=port, faults=faults)
        self.url, self.token, self.faults = self.server.url, self.server.token, self.server.faults
        self.wire.arm.base, self.wire.arm.token = self.url, self.token

    @property
    def instructions(self) -> str:
        """Return what a client types to reach it."""
        return client_lines(self.url, self.server.token_file, self.workspace)

    def start(self) -> None:
        """Answer requests from now on."""
        self.server.start()

    def stop(self) -> None:
        """Answer no more, and end every job with its processes."""
        self.server.stop()
        self.service.close()

    def __enter__(self) -> Emulator:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def read_options(options: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return an emulator's arguments as the command line gives them.

    The options are `compute` and `datastore` (names that shall exist), `tasks` (how many processes run at once), `flip`
    (an assumption to turn round) and `faults` (a JSON file).
    """
    known = ("compute", "datastore", "tasks", "flip", "faults")
    for name in options:
        if name not in known:
            raise UsageError(f'the Azure ML emulator has no option "{name}"', f"there are {', '.join(known)}")
    limit = options.get("tasks", ["0"])[-1]
    if not limit.isdecimal():
        raise UsageError(f'"{limit}" is not a number of processes', "give a whole number: -o tasks=4")
    return {
        "assumed": _flipped(options.get("flip", ())),
        "computes": options.get("compute", ()),
        "datastores": options.get("datastore", ()),
        "limit": int(limit) or None,
        "faults": _read_faults(options.get("faults", ())),
    }


def _flipped(names: Sequence[str]) -> Assumptions:
    assumed, known = Assumptions(), [name for name, _, _ in Assumptions.rows()]
    for name in names:
        if name not in known:
            raise UsageError(f'there is no assumption "{name}"', f"there are {', '.join(known)}")
        assumed = assumed.flipped(name)
    return assumed


def _read_faults(files: Sequence[str]) -> list[Fault]:
    try:
        return [Fault.from_data(each) for file in files for each in json.loads(FilePath(file).read_text("utf-8"))]
    except (OSError, ValueError, TypeError, AttributeError) as fault:
        raise UsageError(
            f"the faults can't be read: {fault}", "a faults file holds a list of faults as JSON"
        ) from fault
