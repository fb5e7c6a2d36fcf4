"""The target `posix`: its name, its capabilities, its checks, its compiler, its client, and what stands in for both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specflow.diagnostics import Diagnostic, error
from specflow.graph.islands import Island
from specflow.graph.model import Graph, Node
from specflow.spec.load import Workspace
from specflow.targets.base import Capability, Client, Compiled, RunningEmulator

from specflow_posix.capabilities import CAPABILITIES

__all__ = ["TARGET", "Posix"]

LONGEST_NAME = 255
"""Of a folder, on the file systems in use; each step has one by its id."""


class Posix:
    """The target `posix`."""

    name = "posix"
    CAPABILITIES: Mapping[str, Capability] = CAPABILITIES

    def check(self, graph: Graph, nodes: Mapping[str, Node]) -> tuple[Diagnostic, ...]:
        """Return which steps have ids that no folder can have as its name."""
        del graph
        help_ = "give it, or the pipelines around it, a shorter one"
        return tuple(
            error("too-large", f"posix: {_told(node)}", node.file.key_span(*node.place), help_)
            for node in nodes.values()
            if len(node.id) > LONGEST_NAME
        )

    def compile(self, island: Island, workspace: Workspace) -> Compiled:
        """Return the script of an island, and what it needs beside it."""
        from specflow_posix.compile import compile_posix

        return compile_posix(island, workspace)

    def client(self, settings: Mapping[str, Any]) -> Client:
        """Return what starts scripts on this machine, and looks after them."""
        from specflow_posix.client import Scripts

        return Scripts(settings)

    def emulator(self, root: Path, settings: Mapping[str, Any]) -> RunningEmulator:
        """Return the platform itself, which is this machine, with its runs below `root`."""
        from specflow_posix.client import OwnMachine

        return OwnMachine(root, settings)


def _told(node: Node) -> str:
    return f'the step "{node.label}" has a name of {len(node.id)} characters; folders have {LONGEST_NAME} at most'


TARGET = Posix()
