"""The target `local`: its name, its capabilities, its checks."""

from __future__ import annotations

from collections.abc import Mapping

from specflow.diagnostics import Diagnostic
from specflow.graph.model import Graph, Node
from specflow.targets.base import Capability
from specflow.targets.local.capabilities import CAPABILITIES

__all__ = ["TARGET", "Local"]


class Local:
    """The target `local`."""

    name = "local"
    CAPABILITIES: Mapping[str, Capability] = CAPABILITIES

    def check(self, graph: Graph, nodes: Mapping[str, Node]) -> tuple[Diagnostic, ...]:
        """Return nothing: what the language allows and the capabilities don't reject runs here."""
        del graph, nodes
        return ()


TARGET = Local()
