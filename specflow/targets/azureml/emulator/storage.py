"""Storage accounts as folders: datastores, upload containers, their signatures, and the URIs that lead into them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path as FilePath
from urllib.parse import quote, unquote, urlsplit

from specflow.emulation import State
from specflow.targets.azureml.emulator.names import Workspace
from specflow.targets.azureml.emulator.refusals import Refused, missing

__all__ = ["ARTIFACTS", "DEFAULT", "Container", "Storage", "inside"]

DEFAULT = "workspaceblobstore"
"""The datastore that each workspace has and uses unless told otherwise (azure-ai-ml 1.35.2, `WORKSPACE_BLOB_STORE`)."""
ARTIFACTS = "workspaceartifactstore"
"""The datastore of logs (azure-ai-ml 1.35.2, `JobOperations._get_named_output_uri`)."""

_SHORT = re.compile(r"azureml://datastores/([^/]+)/paths/(.*)", re.DOTALL)
_LONG = re.compile(
    r"azureml://subscriptions/[^/]+/resource[gG]roups/[^/]+/(?:providers/[^/]+/)?workspaces/[^/]+/datastores/([^/]+)/paths/(.*)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Container:
    """A blob container: a folder, and the two secrets that open it, to read alone or to write too."""

    name: str
    folder: FilePath
    reader: str
    writer: str


def inside(folder: FilePath, relative: str) -> FilePath:
    """Return a path below the folder; refuse one that leads out of it, by `..`, by being absolute or through a link."""
    parts = [each for each in relative.split("/") if each not in {"", "."}]
    if ".." in parts or "\0" in relative or "\\" in relative:
        raise Refused(400, "InvalidUri", f'the path "{relative}" leads out of its container', "path")
    path = folder.joinpath(*parts)
    real = path.resolve()
    if not any(real.is_relative_to(each) for each in (folder.resolve(), *_ATTACHED)):
        raise Refused(400, "InvalidUri", f'the path "{relative}" leads out of its container', "path")
    return path


_ATTACHED: set[FilePath] = set()
"""Folders elsewhere on this machine that stand for a part of a datastore: several services then share its bytes."""


class Storage:
    """All containers of the workspace. Datastores are containers with a name; uploads get one each."""

    def __init__(self, root: FilePath, state: State, workspace: Workspace, datastores: Iterable[str] = ()) -> None:
        """Make the datastores that every workspace has, and the given ones."""
        self.root, self.state, self.workspace = root, state, workspace
        for name in (DEFAULT, ARTIFACTS, *datastores):
            self.add_datastore(name)

    def add_datastore(self, name: str) -> None:
        """Make a datastore, unless it is there."""
        folder = inside(self.root / "datastores", name)
        folder.mkdir(parents=True, exist_ok=True)
        if self.state.get("datastores", name) is None:
            self.state.put("datastores", name, self._keep(f"{name}-{secrets.token_hex(8)}", folder).name)

    def attach(self, datastore: str, path: str, folder: FilePath) -> None:
        """Have a path of a datastore be a folder elsewhere on this machine."""
        folder.mkdir(parents=True, exist_ok=True)
        _ATTACHED.add(folder.resolve())
        self.add_datastore(datastore)
        place = self.root / "datastores" / datastore / path
        if place.is_symlink():
            place.unlink()
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(folder.resolve())

    def add_upload(self) -> Container:
        """Return a new container whose name and signature nobody can guess."""
        name = secrets.token_hex(16)
        folder = self.root / "uploads" / name
        folder.mkdir(parents=True)
        return self._keep(name, folder)

    def _keep(self, name: str, folder: FilePath) -> Container:
        made = Container(name, folder, secrets.token_urlsafe(24), secrets.token_urlsafe(24))
        place = str(folder.relative_to(self.root))
        self.state.put("containers", name, {"folder": place, "reader": made.reader, "writer": made.writer})
        return made

    def container(self, name: str) -> Container | None:
        """Return the container of that name."""
        found = self.state.get("containers", name)
        return Container(name, self.root / found["folder"], found["reader"], found["writer"]) if found else None

    def datastore(self, name: str) -> Container:
        """Return a datastore's container; refuse a name that there isn't."""
        container = self.container(self.state.get("datastores", name, ""))
        if container is None:
            raise missing("Datastore", name)
        return container

    def datastores(self) -> tuple[str, ...]:
        """Return the datastores' names in order."""
        return tuple(self.state.all("datastores"))

    def path(self, uri: str) -> FilePath:
        """Return the place that a URI means; refuse one that leads out of its datastore or isn't emulated."""
        if found := _SHORT.fullmatch(uri) or _LONG.fullmatch(uri):
            return inside(self.datastore(found[1]).folder, found[2])
        parts = urlsplit(uri)
        if parts.scheme == "file":
            return self._stand_in(FilePath(unquote(parts.path)), uri)
        raise Refused(400, "UserError", f'"{uri}" is not emulated: only azureml://datastores/… is', "uri")

    def _stand_in(self, path: FilePath, uri: str) -> FilePath:
        folder = self.root / "datastores"
        if not path.resolve().is_relative_to(folder.resolve()):
            raise Refused(400, "UserError", f'"{uri}" is outside of the datastores', "uri")
        return path

    def short_uri(self, datastore: str, path: str) -> str:
        """Return the URI of a place in a datastore as users write it."""
        return f"azureml://datastores/{datastore}/paths/{path}"

    def long_uri(self, uri: str) -> str:
        """Return a URI with its workspace in it, as a command is handed it; others stay as they are."""
        if not (found := _SHORT.fullmatch(uri)):
            return uri
        space = self.workspace
        place = f"subscriptions/{space.subscription}/resourcegroups/{space.group}/workspaces/{space.name}"
        return f"azureml://{place}/datastores/{found[1]}/paths/{found[2]}"

    def spark_settings(self) -> dict[str, str]:
        """Return Spark's settings by which it finds the datastores under the addresses that `long_uri` gives.

        On Azure ML its drivers have a file system for azureml://; here Hadoop's view of folders stands in for one.
        """
        found = {"spark.hadoop.fs.azureml.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme"}
        for name in self.datastores():
            authority, _, place = self.long_uri(self.short_uri(name, "")).removeprefix("azureml://").partition("/")
            key = f"spark.hadoop.fs.viewfs.mounttable.{authority}.link./{place.rstrip('/')}"
            found[key] = f"file://{quote(str(self.datastore(name).folder))}"
        return found

    def file_uri(self, uri: str) -> str:
        """Return the stand-in that a `direct` port hands over: a file URI into the datastore's folder."""
        tail = "/" if uri.endswith("/") else ""
        return f"file://{quote(str(self.path(uri)))}{tail}"

    def log_url(self, base: str, run: str, name: str) -> str:
        """Return where a run's log can be fetched, signed to be read alone."""
        container = self.datastore(ARTIFACTS)
        return f"{base}/blobs/{container.name}/{quote(f'ExperimentRun/dcid.{run}/{name}')}?sig={container.reader}"

    def artifacts(self, run: str) -> FilePath:
        """Return the folder of a run's logs."""
        return inside(self.datastore(ARTIFACTS).folder, f"ExperimentRun/dcid.{run}")
