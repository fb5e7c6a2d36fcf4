"""The target `databricks`: its name, its capabilities, its checks, its compiler, its client, its emulator."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from specflow.diagnostics import Diagnostic
from specflow.graph.islands import Island
from specflow.graph.model import Graph, Node
from specflow.spec.load import Workspace
from specflow.targets.base import Capability, Check, Client, Compiled, Description, Measured, RunningEmulator, Wanted
from specflow.targets.databricks.capabilities import CAPABILITIES

__all__ = ["TARGET", "Databricks"]


class Databricks:
    """The target `databricks`."""

    name = "databricks"
    CAPABILITIES: Mapping[str, Capability] = CAPABILITIES
    login_secrets = ("DATABRICKS_TOKEN", "DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET")

    def check(self, graph: Graph, nodes: Mapping[str, Node]) -> tuple[Diagnostic, ...]:
        """Return what the platform can't take of a spec, as far as the graph alone tells."""
        from specflow.targets.databricks.checks import spec_faults

        return tuple(spec_faults(graph, nodes))

    def compile(self, island: Island, workspace: Workspace) -> Compiled:
        """Return the bundle of an island."""
        from specflow.targets.databricks.compile import compile_databricks

        return compile_databricks(island, workspace)

    def describe(self, files: Mapping[str, bytes], native: Mapping[str, Any]) -> Description:
        """Return what an artifact would make in a workspace."""
        from specflow.targets.databricks.described import describe

        return describe(files, native)

    def examine(self, settings: Mapping[str, Any], wanted: Wanted) -> Iterator[Check]:
        """Yield what is found of the workspace that the settings name."""
        from specflow.targets.databricks.examined import examine

        return examine(settings, os.environ, wanted)

    def probe(self, settings: Mapping[str, Any], compute: Any) -> Iterator[Measured]:
        """Yield what the emulator assumes of the platform, as it is on the workspace that the settings name."""
        from specflow.targets.databricks.probes import probe

        return probe(settings, compute)

    def client(self, settings: Mapping[str, Any]) -> Client:
        """Return a client of the workspace that the settings name."""
        from specflow.targets.databricks.runs import open_client

        return open_client(settings)

    def emulator(self, root: FilePath, settings: Mapping[str, Any]) -> RunningEmulator:
        """Return a workspace of this machine, not yet started."""
        from specflow.targets.databricks.emulated import Emulated

        return Emulated(root, settings)


TARGET = Databricks()
