"""What a bridge has to know of its island: written when compiling, read where the bridge runs.

errand.json    this
island.zip     the island's artifact, as its platform's tools take it
<wheel>        specflow itself
start.py       what the platform starts
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specflow.archive import archive
from specflow.graph.islands import Island
from specflow.graph.model import Graph
from specflow.hosting.wheel import wheel, wheel_name
from specflow.lowering import Lowering, plain
from specflow.plan import canonical
from specflow.spec.load import Workspace
from specflow.spec.model import PATH_TYPES
from specflow.targets.base import Compiled

__all__ = ["ARTIFACT_FILE", "ERRAND_FILE", "START_FILE", "files_of"]

ERRAND_FILE = "errand.json"
ARTIFACT_FILE = "island.zip"
START_FILE = "start.py"

_START = f'''\
"""Starts a bridge: unpacks specflow, which has come along, and has it run an island of the pipeline elsewhere."""

import glob
import sys
import zipfile

for packed, folder in ((glob.glob("specflow-*.whl")[0], "library"), ("{ARTIFACT_FILE}", "island")):
    with zipfile.ZipFile(packed) as file:
        file.extractall(folder)
sys.path.insert(0, "library")

from specflow.hosting.crossing import main  # noqa: E402 - from the wheel

if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
'''


def files_of(island: Island, compiled: Compiled, workspace: Workspace, host: str) -> dict[str, bytes]:
    """Return what travels with a bridge, by name; the island's artifact is read for it."""
    artifact = {
        name: content if isinstance(content, bytes) else content.read_bytes()
        for name, content in compiled.files.items()
    }
    return {
        START_FILE: _START.encode(),
        ERRAND_FILE: canonical(plain(_errand(island, compiled, workspace, host))) + b"\n",
        ARTIFACT_FILE: archive(artifact),
        wheel_name(): wheel(),
    }


def _errand(island: Island, compiled: Compiled, workspace: Workspace, host: str) -> Mapping[str, Any]:
    graph = island.graph
    lowering = Lowering(graph, workspace.root, island.target)
    return {
        "errand": 1,
        "pipeline": graph.name,
        "island": island.name,
        "target": island.target,
        "host": host,
        "settings": workspace.profile.targets.get(island.target, {}),
        "store": workspace.profile.store,
        "tags": graph.tags,
        "fail_fast": graph.fail_fast,
        "native": {key: value for key, value in compiled.native.items() if key != "data"},
        "steps": [_lowered(lowering.step(node)) for node in island.nodes.values()],
        "outer": {step: sorted(ports) for step, ports in island.outer.items()},
        "leaving": {step: _paths(graph, step, ports) for step, ports in island.leaving.items()},
        "paths": sorted(name for name, port in graph.inputs.items() if port.type in PATH_TYPES),
    }


def _paths(graph: Graph, step: str, ports: frozenset[str]) -> list[str]:
    """Return those ports that hold files and folders."""
    return sorted(port for port in ports if graph.nodes[step].outputs[port].type in PATH_TYPES)


def _lowered(step: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a step what tells whether it runs."""
    kept = {key: step[key] for key in ("id", "label", "needs", "conditions", "bindings")}
    return {**kept, "attempt": {"inputs": step["attempt"]["inputs"]}}
