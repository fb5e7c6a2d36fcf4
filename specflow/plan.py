"""The plan: the inert result of compiling, as one JSON document and the files it names. Saved, loaded, checked.

    plan.json            what is to be done; `files` lists every other file with its SHA-256
    code/<digest>/…      code folders of steps that run on this machine, by content
    data/<key>/…         the project's own data that these read
    <target>/…           the artifact of an island on another target, for the tools of its platform

Running reads nothing else. A plan that was just made from a spec need not be saved to be run: its files are then read
from where they lie in the project.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from types import MappingProxyType
from typing import Any

from specflow.errors import PlanError

__all__ = [
    "PLAN_FILE",
    "VERSION",
    "Plan",
    "canonical",
    "digest_of",
    "is_plan_folder",
    "load_plan",
    "save_plan",
    "with_digest",
    "write_files",
]

PLAN_FILE = "plan.json"
VERSION = 1

_LARGE = 1 << 16
"""Bytes from which a file that is needed again is linked, not written again."""

_KEYS = frozenset(
    {
        "plan",
        "specflow",
        "name",
        "version",
        "description",
        "tags",
        "target",
        "digest",
        "inputs",
        "outputs",
        "data",
        "fail_fast",
        "concurrency",
        "timeout_s",
        "schedule",
        "notify",
        "secrets",
        "code",
        "steps",
        "islands",
        "store",
        "files",
    }
)
_STEP_KEYS = frozenset(
    {
        "id",
        "label",
        "path",
        "target",
        "needs",
        "conditions",
        "bindings",
        "attempt",
        "code",
        "environment",
        "cpus",
        "retry",
        "timeout_s",
        "cache",
        "version",
        "parts",
        "asks_run",
        "island",
    }
)
_ISLAND_KEYS = frozenset(
    {"name", "target", "folder", "digest", "steps", "outer", "leaving", "data", "native", "settings", "is_whole"}
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan document, and where its files are: in `folder`, or for a plan fresh from a spec where `sources` say."""

    document: Mapping[str, Any]
    folder: FilePath | None = None
    sources: Mapping[str, str | FilePath] = field(default_factory=dict)
    root: FilePath | None = None
    """The project that it was made from, if it was made just now."""
    watched: tuple[FilePath, ...] = ()
    """Files and folders that it was made from, there or not; another plan comes out once one of them changes."""
    memory: str | None = None
    """Where it is kept, if it was made from a spec and is: see specflow/recall."""
    packed: bytes | None = None
    """The document with its steps in columns, as JSON, if somebody has packed it already: see packing.py."""
    contents: Mapping[str, bytes] = field(default_factory=dict)
    """Files that compiling made, by name: artifacts of islands, as long as they are not saved."""

    @property
    def name(self) -> str:
        """Return the pipeline's name."""
        return str(self.document["name"])

    def path(self, name: str) -> FilePath:
        """Return where a file or folder of the plan lies on this machine."""
        return FilePath(self.place(name))

    def place(self, name: str) -> str:
        """Return the same as text, which takes a fraction of the time where a plan has thousands."""
        source = self.sources.get(name)
        if source is not None:
            return os.fspath(source)
        if self.folder is None:
            raise PlanError(f'the plan holds no "{name}"')
        return f"{self.folder}/{name}"


def canonical(document: Any) -> bytes:
    """Return a document as JSON bytes: the same for the same content, whatever the order of its keys."""
    return _encoder(document).encode()


def digest_of(document: Any) -> str:
    """Return the SHA-256 of a document's content."""
    digest = hashlib.sha256()
    for piece in _pieces(document):
        digest.update(piece.encode())
    return digest.hexdigest()


def _pieces(document: Any) -> Iterator[str]:
    """Yield what `canonical` returns, in pieces: of thousands of steps, each by itself."""
    if not isinstance(document, dict):
        yield _encoder(document)
        return
    before = "{"
    for key, value in sorted(document.items()):
        yield f"{before}{_encoder(key)}:"
        before = ","
        if isinstance(value, list) and value:
            for index, item in enumerate(value):
                yield f"{',' if index else '['}{_encoder(item)}"
            yield "]"
        else:
            yield _encoder(value)
    yield "}" if document else "{}"


_encoder = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


def is_plan_folder(path: FilePath) -> bool:
    """Return whether a path is a folder that holds a plan."""
    return (path / PLAN_FILE).is_file()


def save_plan(plan: Plan, folder: FilePath) -> None:
    """Write a plan with all its files; an earlier plan there is replaced as a whole, anything else is refused."""
    if folder.exists() and not is_plan_folder(folder) and any(folder.iterdir()):
        raise PlanError(f'"{folder}" is not empty and holds no plan', "name another folder with -o")
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = FilePath(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        write_files(plan, staging)
        listed = dict(_listed(staging, _digests(plan)))
        changed = _unlike(plan.document, listed)
        if changed:
            raise PlanError(f'"{changed[0]}" has changed since it was read', "compile it again")
        document = {**plan.document, "files": listed}
        text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        (staging / PLAN_FILE).write_text(text, encoding="utf-8")
        staging.chmod(0o755)
        _swap(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def write_files(plan: Plan, folder: FilePath, below: str = "") -> None:
    """Write the files of a plan that was just made into a folder; `below` takes those of one folder in it alone.

    What compiling made once, large, for many places is one file of many names: the launcher goes with every step.
    """
    prefix = f"{below}/" if below else ""
    for name, source in sorted(plan.sources.items()):
        if name.startswith(prefix):
            _copy(FilePath(source), folder / name[len(prefix) :])
    folders, large = set[FilePath](), dict[int, FilePath]()
    for name, content in sorted(plan.contents.items()):
        if name.startswith(prefix):
            target = folder / name[len(prefix) :]
            if target.parent not in folders:
                target.parent.mkdir(parents=True, exist_ok=True)
                folders.add(target.parent)
            if id(content) not in large or not _is_linked(large[id(content)], target):
                target.write_bytes(content)
                if len(content) >= _LARGE:
                    large[id(content)] = target


def _is_linked(source: FilePath, target: FilePath) -> bool:
    """Return whether a file could be given one more name."""
    try:
        os.link(source, target)
    except OSError:  # a file system without, or one that takes no more of them
        return False
    return True


def _swap(staging: FilePath, folder: FilePath) -> None:
    if not folder.exists():
        staging.rename(folder)
        return
    aside = FilePath(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
    folder.rename(aside / "old")
    staging.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)


def _copy(source: FilePath, target: FilePath) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_copy_file)
    else:
        _copy_file(source, target)


def _copy_file(source: str | FilePath, target: str | FilePath) -> None:
    shutil.copyfile(source, target)
    executable = os.access(source, os.X_OK)
    FilePath(target).chmod(0o755 if executable else 0o644)


def _digests(plan: Plan) -> dict[str, str]:
    """Return the digests of the files that compiling made, each content's worked out once."""
    each = {id(content): content for content in plan.contents.values()}
    known = {key: hashlib.sha256(content).hexdigest() for key, content in each.items()}
    return {name: known[id(content)] for name, content in plan.contents.items()}


def _listed(folder: FilePath, digests: Mapping[str, str] = MappingProxyType({})) -> Iterator[tuple[str, str]]:
    """Yield every file and its digest; a link, of which a plan has none, as such: it may lead to anything.

    `digests` are those that need no reading.
    """
    from specflow.digests import digest_of_file

    for here, folders, files in os.walk(folder):
        folders.sort()
        known = set(files)
        for name in sorted((*files, *folders)):
            path = FilePath(here) / name
            relative = path.relative_to(folder).as_posix()
            if path.is_symlink():
                yield relative, "a link"
            elif name in known and relative != PLAN_FILE:
                yield relative, digests.get(relative) or digest_of_file(path)


def load_plan(folder: FilePath, expect: str | None = None) -> Plan:
    """Return the plan in a folder; raise PlanError if it was changed, is of another version, or isn't one.

    `expect` pins a reviewed plan: the digest that it must have, or the first eight or more digits of it.
    """
    document = _read(folder)
    if document.get("plan") != VERSION:
        message = (
            f'"{folder}" holds a plan of version {document.get("plan")!r}, and this specflow reads version {VERSION}'
        )
        raise PlanError(message, "compile it again")
    files = document.get("files")
    if _content_digest(document) != document.get("digest") or not isinstance(files, dict):
        raise PlanError(f'"{folder / PLAN_FILE}" was changed by hand', "compile it again")
    _refuse_unknown(document, _KEYS, "plan.json")
    for step in document["steps"]:
        _refuse_unknown(step, _STEP_KEYS, "a step of plan.json")
    for island in document["islands"]:
        _refuse_unknown(island, _ISLAND_KEYS, "an island of plan.json")
    listed = dict(_listed(folder))
    changed = sorted(name for name in {*listed, *files} if listed.get(name) != files.get(name))
    changed += _unlike(document, listed)
    if changed:
        raise PlanError(f'"{folder / changed[0]}" was changed since the plan was made', "compile it again")
    if expect is not None and (len(expect) < 8 or not document["digest"].startswith(expect)):
        raise PlanError(
            f"the plan's digest is {document['digest']}, not {expect}", "review this plan, or pin its digest"
        )
    return Plan(document, folder)


def _read(folder: FilePath) -> dict[str, Any]:
    try:
        document = json.loads((folder / PLAN_FILE).read_text(encoding="utf-8"))
    except OSError as failure:
        raise PlanError(f'can\'t read the plan in "{folder}": {failure.strerror}') from failure
    except (ValueError, RecursionError) as failure:
        raise PlanError(f'"{folder / PLAN_FILE}" is not JSON', "compile it again") from failure
    if not isinstance(document, dict):
        raise PlanError(f'"{folder / PLAN_FILE}" is not a plan', "compile it again")
    return document


def _refuse_unknown(holder: Mapping[str, Any], known: frozenset[str], what: str) -> None:
    unknown = sorted(set(holder) - known)
    missing = sorted(known - set(holder))
    if unknown:
        raise PlanError(
            f'{what} holds "{unknown[0]}", which this specflow does not know', "use the specflow that made it"
        )
    if missing:
        raise PlanError(f'{what} has no "{missing[0]}"', "compile it again")


def _content_digest(document: Mapping[str, Any]) -> str:
    """Return the digest of what is to be done: all but the digest itself, the file list and specflow's version."""
    return digest_of({key: value for key, value in document.items() if key not in ("digest", "files", "specflow")})


def with_digest(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with its digest entered."""
    return {**document, "digest": _content_digest(document)}


def _unlike(document: Mapping[str, Any], listed: Mapping[str, str]) -> list[str]:
    """Return code files, and folders of artifacts, that are not what the plan's digest stands for.

    The list of files is no part of the digest: who changes a file may have changed the list, too.
    """
    code = {f"code/{digest}/{name}": each for digest, of in document["code"].items() for name, each in of.items()}
    found = [name for name, sha256 in code.items() if listed.get(name) != sha256]
    for island in document["islands"]:
        below = f"{island['folder']}/"
        files = {name[len(below) :]: sha256 for name, sha256 in listed.items() if name.startswith(below)}
        if digest_of(files) != island["digest"]:
            found.append(island["folder"])
    return found
