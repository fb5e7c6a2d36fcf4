"""A node's folder on this machine: its code, its inputs as paths, places for its outputs; and what becomes of them.

Inputs are copies: what a command does to them never reaches the datastore, whoever it runs as. Outputs mounted read-
write are the datastore's own folder; uploaded ones are copied there once the command has succeeded.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath

from specflow.targets.azureml.emulator.assets import Assets
from specflow.targets.azureml.emulator.assumptions import Assumptions
from specflow.targets.azureml.emulator.literals import LITERAL_TYPES, as_json_text
from specflow.targets.azureml.emulator.nodes import Data, Literal, Node
from specflow.targets.azureml.emulator.storage import Storage, inside

__all__ = ["MountError", "Mounted", "Mounts"]

_SCRATCH = ("inputs", "outputs", "tmp")


class MountError(Exception):
    """Data that a node needs is not there; its message is the run's error."""


@dataclass(frozen=True, slots=True)
class Mounted:
    """Where a node works, and the text that stands for each port in its command."""

    work: FilePath
    temporary: FilePath
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    uploads: Mapping[FilePath, FilePath]
    """Folder or file written by the command -> its place in the datastore."""


class Mounts:
    """Makes and clears the folders of nodes, below `{root}/jobs`."""

    def __init__(self, root: FilePath, storage: Storage, assets: Assets, assumed: Assumptions) -> None:
        """Work below `root`."""
        self.root, self.storage, self.assets, self.assumed = root, storage, assets, assumed

    def prepare(
        self, run: str, node: Node, inputs: Mapping[str, Literal | Data | None], outputs: Mapping[str, Data]
    ) -> Mounted:
        """Return a node's folders, filled; raise MountError for data that isn't there."""
        home = self.root / "jobs" / run
        for name in ("wd", *_SCRATCH):
            (home / name).mkdir(parents=True, exist_ok=True)
        self._code(node, home / "wd")
        texts = {name: self._input(node, name, value, home) for name, value in inputs.items() if value is not None}
        uploads: dict[FilePath, FilePath] = {}
        places = {name: self._output(node, name, value, home, uploads) for name, value in outputs.items()}
        return Mounted(home / "wd", home / "tmp", texts, places, uploads)

    def _code(self, node: Node, work: FilePath) -> None:
        code = node.setting("code")
        if not code:
            return
        name, path = self.assets.code_place(str(code))
        container = self.storage.container(name)
        source = inside(container.folder, path) if container else None
        if source is None or not source.exists():
            raise MountError(f'the snapshot "{code}" is gone')
        if source.is_dir():
            shutil.copytree(source, work, dirs_exist_ok=True)
        else:
            shutil.copy2(source, work / source.name)

    def _input(self, node: Node, name: str, value: Literal | Data, home: FilePath) -> str:
        port = node.ports[name]
        if isinstance(value, Literal):
            as_sent = self.assumed.literals_are_pasted_as_sent or port.get("type") not in LITERAL_TYPES
            return value.text if as_sent else as_json_text(port, value.text)
        given = node.inputs.get(name)
        mode = (given.mode if given else "") or str(port.get("mode") or "")
        if mode == "direct" or (not mode and node.kind == "spark"):
            return self._direct(node, value.uri)
        source = self.storage.path(value.uri)
        if not source.exists():
            raise MountError(f'input "{name}": there is nothing at {value.uri}')
        place = home / "inputs" / f"INPUT_{name}"
        if source.is_dir():
            shutil.copytree(source, place, ignore_dangling_symlinks=True)
        else:
            place.mkdir()
            place = place / source.name
            shutil.copy2(source, place)
        _make_read_only(place)
        return str(place)

    def _direct(self, node: Node, uri: str) -> str:
        if node.kind == "spark" or self.assumed.direct_ports_are_azureml_uris:
            return self.storage.long_uri(uri)
        return self.storage.file_uri(uri)

    def _output(self, node: Node, name: str, value: Data, home: FilePath, uploads: dict[FilePath, FilePath]) -> str:
        said = node.outputs.get(name)
        mode = (said.mode if said else "") or str(node.out_ports[name].get("mode") or "")
        place = self.storage.path(value.uri)
        place.parent.mkdir(parents=True, exist_ok=True)
        if mode == "direct" or (not mode and node.kind == "spark"):
            return self._direct(node, value.uri)
        if mode == "upload":
            staged = home / "outputs" / name
            uploads[staged] = place
            place = staged
        if value.type != "uri_file" and self.assumed.output_folders_exist:
            place.mkdir(parents=True, exist_ok=True)
        return str(place)

    def finish(self, run: str, mounted: Mounted, outputs: Mapping[str, Data], *, succeeded: bool) -> None:
        """Upload what has to be, drop what must not stay, and clear the inputs."""
        for value in outputs.values():
            _remove_checksums(self.storage.path(value.uri))
        if succeeded:
            for staged, place in mounted.uploads.items():
                if staged.is_dir():
                    shutil.copytree(staged, place, dirs_exist_ok=True)
                elif staged.is_file():
                    shutil.copy2(staged, place)
        elif not self.assumed.failed_nodes_keep_outputs:
            for value in outputs.values():
                _remove(self.storage.path(value.uri))
        for name in _SCRATCH:
            _remove(self.root / "jobs" / run / name)


def _make_read_only(path: FilePath) -> None:
    for each in (path, *path.rglob("*")) if path.is_dir() else (path,):
        if not each.is_symlink():
            each.chmod(0o555 if each.is_dir() else 0o444)


def _remove_checksums(place: FilePath) -> None:
    """Remove what Spark writes beside each file on a machine's own disk, and not to a store."""
    for each in (*place.rglob(".*.crc"), *place.parent.glob(f".{place.name}.crc")):
        each.unlink()


def _remove(path: FilePath) -> None:
    if path.is_dir() and not path.is_symlink():
        for each in (path, *path.rglob("*")):
            if each.is_dir() and not each.is_symlink():
                each.chmod(0o755)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
