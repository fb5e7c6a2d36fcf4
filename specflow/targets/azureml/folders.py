"""The folder that travels with a node: its launcher, its note, its code. Instances with equal folders share one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from specflow.graph.model import Node
from specflow.launcher import packed_launcher
from specflow.lowering import Lowering
from specflow.snapshot import Snapshot

__all__ = ["SPARK_ENTRY", "Folders", "note_bytes"]

SPARK_ENTRY = "start.py"
"""The Python file that Spark is handed: it starts the launcher."""
_HERE = FilePath(__file__).parent
_json = json.JSONEncoder().encode
_EMPTY = {kind: _json(kind()) for kind in (bool, dict, int, list, str, tuple)} | {type(None): "null"}
"""Half of what a note says: not worth a call."""


def note_bytes(note: Mapping[str, Any]) -> bytes:
    """Return a note as it travels: one line for each of its keys, so that two can be compared by eye."""
    lines = [f'  "{key}": {_json(value) if value else _EMPTY[type(value)]}' for key, value in note.items()]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


@dataclass(slots=True)
class Folders:
    """Gathers the code folders of an artifact."""

    lowering: Lowering
    files: dict[str, bytes | FilePath] = field(default_factory=dict)
    _by_content: dict[tuple[str | bytes, ...], str] = field(default_factory=dict)

    def add(self, node: Node, note: Mapping[str, Any]) -> str:
        """Return the folder of a node with this note, made if there is none with the same content."""
        snapshot = self.lowering.code(node)
        notebook = self.lowering.notebook(node.notebook) if node.notebook is not None else None
        digests = [found.digest for found in (snapshot, notebook) if found is not None]
        text = note_bytes(note)
        content: tuple[str | bytes, ...] = ("__".join(node.path), text, *digests)
        if content not in self._by_content:
            self._by_content[content] = self._make(node, note, text, snapshot, notebook)
        return self._by_content[content]

    def _make(
        self, node: Node, note: Mapping[str, Any], text: bytes, code: Snapshot | None, notebook: Snapshot | None
    ) -> str:
        folder = f"code/{'__'.join(node.path)}"
        if f"{folder}/step.json" in self.files:
            folder = f"code/{node.id}"
        is_spark = node.engine == "spark"
        for path, content in packed_launcher().items():
            if path != "launch.py" or not is_spark:
                self.files[f"{folder}/{path}"] = content
        if is_spark:
            self.files[f"{folder}/{SPARK_ENTRY}"] = (_HERE / "travels" / SPARK_ENTRY).read_bytes()
        self.files[f"{folder}/step.json"] = text
        for path in note.get("wheels", {}).get("files", ()):
            self.files[f"{folder}/{path}"] = self.lowering.sources[path]
        if note["attempt"]["secrets"]:
            self.files[f"{folder}/key_vault.py"] = (_HERE / "key_vault.py").read_bytes()
        for path, content in self.lowering.travels(node).items():
            self.files[f"{folder}/code/{path}"] = content
        for name, found in (("code", code), ("notebook", notebook)):
            for file in found.files if found is not None else ():
                self.files[f"{folder}/{name}/{file.path}"] = file.source
        return folder
