"""The blob protocol, as much as azure-storage-blob 12.31 uses of it for uploads, downloads and logs.

A container answers to whoever holds its signature and to nobody else; its name is random as well.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import shutil
import threading
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path as FilePath
from xml.sax.saxutils import escape

from specflow.emulation import Request, Response, State
from specflow.targets.azureml.emulator.storage import Container, Storage, inside

__all__ = ["Blobs"]

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_LARGE = 32 * 2**20
"""Bytes from which on a blob is not read as a whole, and so has no MD5 to tell."""


class Blobs:
    """Answers what is under `/blobs/{container}/{name…}`."""

    def __init__(self, storage: Storage, state: State) -> None:
        """Serve the containers of `storage`; metadata is kept in `state`."""
        self.storage, self.state = storage, state
        self._blocks: dict[tuple[str, str], FilePath] = {}
        self._scratch = storage.root / "blocks"
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Response:
        """Return the answer to a request for a blob, or for a container's list."""
        container = self.storage.container(request.params["container"])
        signature = request.query.get("sig", "")
        if container is None or not self._may(container, signature, request.method):
            return _refusal(403, "AuthenticationFailed")
        name = request.params.get("name", "")
        if request.query.get("comp") == "list":
            return self._list(container, request)
        if not name:
            return _refusal(400, "InvalidUri")
        path = inside(container.folder, name)
        try:
            if request.method == "PUT":
                return self._put(container, name, path, request)
            return self._get(container, name, path, request)
        except OSError:  # a name too long, or a blob where a folder is
            return _refusal(409, "BlobOperationNotPossible")

    @staticmethod
    def _may(container: Container, signature: str, method: str) -> bool:
        known = [container.writer] if method not in {"GET", "HEAD"} else [container.writer, container.reader]
        return any(hmac.compare_digest(signature.encode(), each.encode()) for each in known)

    def _put(self, container: Container, name: str, path: FilePath, request: Request) -> Response:
        key, kind = f"{container.name}/{name}", request.query.get("comp", "")
        stamp = {"ETag": f'"{hashlib.sha256(request.body).hexdigest()[:16]}"', "Last-Modified": formatdate(usegmt=True)}
        if kind == "metadata":
            # 200, not 201: the SDK raises on the other (tried with azure-ai-ml 1.35.2).
            self.state.put("blob-metadata", key, _metadata(request))
            return Response(200, b"", stamp)
        if kind == "block":
            self._keep_block(key, request.query.get("blockid", ""), request.body)
            return Response(201, b"", {"x-ms-request-server-encrypted": "true"})
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "blocklist":
            self._assemble(key, request.body, path)
        else:
            path.write_bytes(request.body)
        if metadata := _metadata(request):
            self.state.put("blob-metadata", key, metadata)
        return Response(201, b"", {**stamp, "x-ms-request-server-encrypted": "true"})

    def _keep_block(self, key: str, block: str, content: bytes) -> None:
        """Keep a block until its blob is made of it: in a file, since a blob may be larger than memory."""
        place = self._scratch / hashlib.sha256(f"{key}\0{block}".encode()).hexdigest()
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content)
        with self._lock:
            self._blocks[key, block] = place

    def _assemble(self, key: str, listing: bytes, path: FilePath) -> None:
        names = re.findall(r"<(?:Latest|Uncommitted|Committed)>([^<]+)</", listing.decode())
        with self._lock:
            blocks = [self._blocks.pop((key, each), None) for each in names]
        with path.open("wb") as blob:
            for block in blocks:
                if block is not None:
                    blob.write(block.read_bytes())
                    block.unlink(missing_ok=True)

    def _get(self, container: Container, name: str, path: FilePath, request: Request) -> Response:
        if not path.is_file():
            return _refusal(404, "BlobNotFound")
        facts = path.stat()
        size, data = facts.st_size, path.read_bytes() if facts.st_size < _LARGE else None
        mark = f"{size} {facts.st_mtime_ns}".encode() if data is None else data
        head = {
            "ETag": f'"{hashlib.sha256(mark).hexdigest()[:16]}"',
            "Last-Modified": formatdate(facts.st_mtime, usegmt=True),
            "Content-Type": "application/octet-stream",
            "Accept-Ranges": "bytes",
            "x-ms-blob-type": "BlockBlob",
            **self.state.get("blob-metadata", f"{container.name}/{name}", {}),
        }
        asked = _RANGE.fullmatch(request.headers.get("x-ms-range") or request.headers.get("range") or "")
        if request.method == "HEAD":
            return Response(200, b"", {**head, "Content-Length": str(size)})
        if not asked:
            return Response(200, path.read_bytes() if data is None else data, head)
        first, last = int(asked[1]), min(int(asked[2] or size - 1), size - 1)
        if first > last:
            return _refusal(416, "InvalidRange")
        ranged = {"Content-Range": f"bytes {first}-{last}/{size}"}
        if data is None:
            with path.open("rb") as blob:
                blob.seek(first)
                return Response(206, blob.read(last + 1 - first), {**head, **ranged})
        md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        return Response(206, data[first : last + 1], {**head, **ranged, "x-ms-blob-content-md5": md5})

    def _list(self, container: Container, request: Request) -> Response:
        prefix, delimiter = request.query.get("prefix", ""), request.query.get("delimiter", "")
        entries: dict[str, None] = {}
        for name, path in _files(container.folder):
            if not name.startswith(prefix):
                continue
            rest = name[len(prefix) :]
            if delimiter and delimiter in rest:
                folder = prefix + rest.split(delimiter)[0] + delimiter
                entries[f"<BlobPrefix><Name>{escape(folder)}</Name></BlobPrefix>"] = None
            else:
                entries[_entry(name, path)] = None
        body = (
            f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>{"".join(entries)}</Blobs><NextMarker/>'
        )
        return Response(200, f"{body}</EnumerationResults>".encode(), {"Content-Type": "application/xml"})


def _files(folder: FilePath) -> Iterator[tuple[str, FilePath]]:
    base = folder.resolve()
    for path in sorted(folder.rglob("*")):
        # A command may have left a link to anywhere in its output: only what lies inside is listed.
        if path.is_file() and path.resolve().is_relative_to(base):
            yield path.relative_to(folder).as_posix(), path


def _entry(name: str, path: FilePath) -> str:
    stamp, size = formatdate(path.stat().st_mtime, usegmt=True), path.stat().st_size
    facts = f"<Last-Modified>{stamp}</Last-Modified><Etag>0x1</Etag><Content-Length>{size}</Content-Length>"
    return f"<Blob><Name>{escape(name)}</Name><Properties>{facts}<BlobType>BlockBlob</BlobType></Properties></Blob>"


def _metadata(request: Request) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name.startswith("x-ms-meta-")}


def _refusal(status: int, code: str) -> Response:
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
    return Response(status, body.encode(), {"Content-Type": "application/xml", "x-ms-error-code": code})
