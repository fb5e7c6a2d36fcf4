"""The target `azureml`: its name, its capabilities, its compiler, its client and its emulator."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from specflow.diagnostics import Diagnostic
from specflow.graph.islands import Island
from specflow.graph.model import Graph, Node
from specflow.spec.load import Workspace
from specflow.targets.azureml.capabilities import CAPABILITIES
from specflow.targets.base import Capability, Check, Client, Compiled, Description, Measured, RunningEmulator, Wanted

__all__ = ["TARGET", "AzureML"]


class AzureML:
    """The target `azureml`. What only some of its methods need is imported in them."""

    name = "azureml"
    CAPABILITIES: Mapping[str, Capability] = CAPABILITIES
    login_secrets = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")

    def check(self, graph: Graph, nodes: Mapping[str, Node]) -> tuple[Diagnostic, ...]:
        """Return what Azure ML has no word for, beyond its capabilities."""
        from specflow.targets.azureml.checks import graph_faults

        return tuple(graph_faults(graph, nodes))

    def compile(self, island: Island, workspace: Workspace) -> Compiled:
        """Return the files that `az ml job create` takes."""
        from specflow.targets.azureml.compile import compile_island

        return compile_island(island, workspace)

    def published(self, folder: FilePath, native: Mapping[str, Any], digest: str) -> Mapping[str, bytes]:
        """Return the files that make what was compiled into a folder callable over REST; stderr: what these leave out.

        Raises SpecflowError where a caller could not give what the pipeline needs.
        """
        import yaml

        from specflow.targets.azureml.publish import published_files, tell_left_out

        tell_left_out(native)
        return published_files(yaml.safe_load((folder / "pipeline.yml").read_text(encoding="utf-8")), native, digest)

    def describe(self, files: Mapping[str, bytes], native: Mapping[str, Any]) -> Description:
        """Return what an artifact would make in a workspace."""
        from specflow.targets.azureml.described import describe

        return describe(files, native)

    def runs_anew(self, native: Mapping[str, Any], done: Collection[str]) -> tuple[str, ...]:
        """Return which steps Azure ML does not reuse: their nodes say so."""
        return tuple(step["label"] for name, step in native["steps"].items() if name in done and not step["reused"])

    def examine(self, settings: Mapping[str, Any], wanted: Wanted) -> Iterator[Check]:
        """Yield what is found of the workspace that the settings name."""
        from specflow.targets.azureml.examined import examine

        return examine(settings, wanted)

    def probe(self, settings: Mapping[str, Any], compute: Any) -> Iterator[Measured]:
        """Yield what the emulator assumes of the platform, as it is on the workspace that the settings name."""
        from specflow.targets.azureml.probes import probe

        return probe(settings, compute)

    def client(self, settings: Mapping[str, Any]) -> Client:
        """Return a client for the profile's workspace, or for an emulator's."""
        from specflow.targets.azureml.jobs import AzureClient

        return AzureClient(settings)

    def emulator(self, root: FilePath, settings: Mapping[str, Any]) -> RunningEmulator:
        """Return a workspace on loopback that has what artifacts name."""
        from specflow.targets.azureml.emulated import Emulated

        return Emulated(root, settings)


TARGET = AzureML()
