"""HTTP for workspace files and for volumes. Sources: databricks-sdk 0.156, the filers of databricks/cli 1.13."""

from __future__ import annotations

import base64
import binascii
import re
from email.utils import formatdate
from pathlib import Path as FilePath
from typing import Any

from specflow.emulation import Request, Response, Routes, as_json
from specflow.targets.databricks.emulator.files import Tree
from specflow.targets.databricks.emulator.objects import Objects
from specflow.targets.databricks.emulator.queries import object_of
from specflow.targets.databricks.emulator.refusals import exists, invalid, missing

__all__ = ["VolumesWire", "WorkspaceWire"]

_EMPTY = as_json({})
_NOTHING = Response(204)


class WorkspaceWire:
    """The calls of workspace/ and workspace-files/."""

    def __init__(self, objects: Objects, routes: Routes) -> None:
        """Add them."""
        self.objects = objects
        for method, name in (
            ("POST", "mkdirs"),
            ("POST", "import"),
            ("GET", "export"),
            ("GET", "get-status"),
            ("GET", "list"),
            ("POST", "delete"),
        ):
            routes.add(
                method,
                f"/api/2.0/workspace/{name}",
                getattr(self, "_" + name.replace("-", "_").replace("import", "put")),
            )
        routes.add("POST", "/api/2.0/workspace-files/import-file/{path...}", self._import_file)
        routes.add("GET", "/api/2.0/workspace-files/{path...}", self._read_file)

    def _mkdirs(self, request: Request) -> Response:
        self.objects.tree.make_folder(_path(object_of(request)))
        return _EMPTY

    def _put(self, request: Request) -> Response:
        """Take a file as JSON with base64, or as a form."""
        form = _form(request) if request.headers.get("content-type", "").startswith("multipart/") else None
        body = (
            object_of(request)
            if form is None
            else {key: value.decode() for key, value in form.items() if key != "content"}
        )
        unknown = sorted(set(body) - {"path", "format", "overwrite", "content", "language"})
        if unknown:
            raise invalid(f'unknown field "{unknown[0]}"')
        try:
            content = form["content"] if form else base64.b64decode(body.get("content", ""), validate=True)
        except (KeyError, TypeError, binascii.Error) as fault:
            raise invalid("the content is missing, or not base64") from fault
        overwrite = body.get("overwrite") in (True, "true")
        format_ = body.get("format", "SOURCE" if form is None else "AUTO")
        self.objects.put(_path(body), content, format_, body.get("language", ""), overwrite=overwrite)
        return _EMPTY

    def _export(self, request: Request) -> Response:
        content = self.objects.tree.read(_path(request.query))
        if request.query.get("direct_download") == "true":
            return Response(200, content, {"Content-Type": "application/octet-stream"})
        return as_json(
            {"content": base64.b64encode(content).decode(), "file_type": FilePath(_path(request.query)).suffix[1:]}
        )

    def _get_status(self, request: Request) -> Response:
        return as_json(self.objects.status(_path(request.query)))

    def _list(self, request: Request) -> Response:
        found = self.objects.list(_path(request.query))
        return as_json({"objects": found} if found else {})

    def _delete(self, request: Request) -> Response:
        body = object_of(request)
        self.objects.remove(_path(body), recursive=body.get("recursive") is True)
        return _EMPTY

    def _import_file(self, request: Request) -> Response:
        """Take a file's bytes as they are, at a path below the call's own; the CLI's way to write."""
        path = "/" + request.params["path"].lstrip("/")
        if not self.objects.tree.place(path).parent.is_dir():
            raise missing(f"The parent folder ({FilePath(path).parent}) does not exist.")
        if self.objects.tree.place(path).exists() and request.query.get("overwrite") != "true":
            raise _conflict(path)
        self.objects.put(path, request.body, overwrite=True)
        return _EMPTY

    def _read_file(self, request: Request) -> Response:
        content = self.objects.tree.read("/" + request.params["path"].lstrip("/"))
        return Response(200, content, {"Content-Type": "application/octet-stream"})


class VolumesWire:
    """The calls of fs/."""

    def __init__(self, tree: Tree, routes: Routes) -> None:
        """Add them."""
        self.tree = tree
        routes.add("PUT", "/api/2.0/fs/files/{path...}", self._put)
        routes.add("GET", "/api/2.0/fs/files/{path...}", self._get)
        routes.add("HEAD", "/api/2.0/fs/files/{path...}", self._head)
        routes.add("DELETE", "/api/2.0/fs/files/{path...}", self._delete_file)
        routes.add("PUT", "/api/2.0/fs/directories/{path...}", self._make_folder)
        routes.add("GET", "/api/2.0/fs/directories/{path...}", self._list)
        routes.add("HEAD", "/api/2.0/fs/directories/{path...}", self._head_folder)
        routes.add("DELETE", "/api/2.0/fs/directories/{path...}", self._delete_folder)
        # No presigned addresses: the SDK then asks for fs/files itself.
        routes.add("POST", "/api/2.0/fs/create-download-url", lambda _: _EMPTY)

    def _put(self, request: Request) -> Response:
        path = self._path(request)
        if self.tree.place(path).exists() and request.query.get("overwrite") != "true":
            raise _conflict(path)
        self.tree.write(path, request.body, overwrite=True)
        return _NOTHING

    def _get(self, request: Request) -> Response:
        path = self._path(request)
        place = self._file(path)
        content, status, headers = place.read_bytes(), 200, self._headers(place)
        span = request.headers.get("range", "")
        if span.startswith("bytes="):
            first, _, last = span.removeprefix("bytes=").partition("-")
            start, end = int(first or 0), int(last) + 1 if last else len(content)
            headers["Content-Range"] = f"bytes {start}-{min(end, len(content)) - 1}/{len(content)}"
            content, status = content[start:end], 206
        return Response(status, content, headers)

    def _head(self, request: Request) -> Response:
        place = self._file(self._path(request))
        return Response(200, b"", {**self._headers(place), "Content-Length": str(place.stat().st_size)})

    def _delete_file(self, request: Request) -> Response:
        path = self._path(request)
        self._file(path)
        self.tree.remove(path, recursive=False)
        return _NOTHING

    def _make_folder(self, request: Request) -> Response:
        self.tree.make_folder(self._path(request))
        return _NOTHING

    def _list(self, request: Request) -> Response:
        path = self._path(request)
        if not self.tree.place(path).is_dir():
            raise missing(f"The directory being accessed is not found: {path}", "NOT_FOUND")
        contents = [self._entry(child) for child in self.tree.children(path)]
        size, token = int(request.query.get("page_size", "1000")), int(request.query.get("page_token") or 0)
        view: dict[str, Any] = {"contents": contents[token : token + size]}
        if token + size < len(contents):
            view["next_page_token"] = str(token + size)
        return as_json(view)

    def _head_folder(self, request: Request) -> Response:
        if not self.tree.place(self._path(request)).is_dir():
            raise missing("The directory being accessed is not found.", "NOT_FOUND")
        return Response(200)

    def _delete_folder(self, request: Request) -> Response:
        path = self._path(request)
        if not self.tree.place(path).is_dir():
            raise missing(f"The directory being accessed is not found: {path}", "NOT_FOUND")
        self.tree.remove(path, recursive=False)
        return _NOTHING

    def _path(self, request: Request) -> str:
        path = "/" + request.params["path"].lstrip("/")
        if not path.startswith("/Volumes/"):
            raise invalid(f"Invalid path: {path} is not on a volume")
        # Any catalog, schema and volume is there: what has to be made on the platform is made by its first file.
        if len([name for name in path.split("/") if name]) < 4:
            raise invalid(f"Invalid path: {path} names no volume (/Volumes/<catalog>/<schema>/<volume>)")
        return path

    def _file(self, path: str) -> FilePath:
        place = self.tree.place(path)
        if not place.is_file():
            raise missing(f"The file being accessed is not found: {path}", "NOT_FOUND")
        return place

    def _entry(self, place: FilePath) -> dict[str, Any]:
        stat = place.stat()
        told = {"path": self.tree.name_of(place), "name": place.name, "is_directory": place.is_dir()}
        return (
            told if place.is_dir() else {**told, "file_size": stat.st_size, "last_modified": int(stat.st_mtime * 1000)}
        )

    @staticmethod
    def _headers(place: FilePath) -> dict[str, str]:
        modified = formatdate(place.stat().st_mtime, usegmt=True)
        return {"Content-Type": "application/octet-stream", "Last-Modified": modified}


def _path(values: Any) -> str:
    path = values.get("path") if isinstance(values, dict) else None
    if not isinstance(path, str) or not path:
        raise invalid('missing required field "path"')
    return path


def _conflict(path: str) -> Exception:
    refusal = exists(f"Path ({path}) already exists.")
    refusal.status = 409
    return refusal


def _form(request: Request) -> dict[str, bytes]:
    """Return the fields of a multipart form, byte for byte; refuse what is none."""
    boundary = re.search(r'boundary="?([^";]+)', request.headers["content-type"])
    if boundary is None:
        raise invalid("the form has no boundary")
    fields = {}
    for part in (b"\r\n" + request.body).split(b"\r\n--" + boundary[1].encode("latin-1"))[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]*)"', head)
        if name is not None:
            fields[name[1].decode("utf-8", "replace")] = content
    return fields
