"""A code folder → the files that travel with a step, and one digest of their content."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from specflow.digests import digest_of_file

if TYPE_CHECKING:
    import pathspec

__all__ = ["CodeFile", "Snapshot", "SnapshotError", "snapshot_of_file", "take_snapshot"]

IGNORE_FILES = (".gitignore", ".specflowignore")
IGNORED_FOLDERS = frozenset((".git", ".specflow", "__pycache__", ".venv", ".ipynb_checkpoints"))
"""Never part of a code folder, unless an ignore file says so with a `!` line."""


class SnapshotError(Exception):
    """A code folder that can't travel: something in it leads out of the project."""


@dataclass(frozen=True, slots=True)
class CodeFile:
    """One file of a snapshot; `path` is relative, with forward slashes."""

    path: str
    source: FilePath
    sha256: str
    is_executable: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files of a code folder by path, and the digest of them all."""

    digest: str
    files: tuple[CodeFile, ...]
    watched: tuple[FilePath, ...] = ()
    """What the snapshot was made from: folders, files, and ignore files, there or not."""


def take_snapshot(folder: FilePath, root: FilePath, left_out: tuple[FilePath, ...] = ()) -> Snapshot:
    """Return the snapshot of a folder inside the project `root`, ignore files honoured.

    `left_out` are spec files: what they mean is in the plan already. Symbolic links become what they point to; one
    that leads out of the project raises SnapshotError.
    """
    watched = [path / name for path in _between(folder, root) for name in IGNORE_FILES]
    files = tuple(_files(folder, root.resolve(), frozenset(path.resolve() for path in left_out), watched))
    return Snapshot(_digest(files), files, (*watched, *(file.source for file in files)))


def snapshot_of_file(file: FilePath) -> Snapshot:
    """Return the snapshot of a folder that would hold one file and nothing else."""
    files = (CodeFile(file.name, file, digest_of_file(file), False),)
    return Snapshot(_digest(files), files, (file,))


def _digest(files: tuple[CodeFile, ...]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.path}\0{'x' if file.is_executable else '-'}\0{file.sha256}\n".encode())
    return digest.hexdigest()


def _between(folder: FilePath, root: FilePath) -> tuple[FilePath, ...]:
    """Return the folders above one, up to the project's root."""
    return tuple(above for above in folder.parents if above == root or above.is_relative_to(root))


def _files(
    folder: FilePath, root: FilePath, left_out: frozenset[FilePath], watched: list[FilePath]
) -> Iterator[CodeFile]:
    pending: list[tuple[FilePath, tuple[tuple[str, pathspec.GitIgnoreSpec], ...]]] = [
        (folder, tuple(_rules_above(folder, root)))
    ]
    found: list[CodeFile] = []
    seen: set[FilePath] = set()
    while pending:
        here, rules = pending.pop()
        real = here.resolve()
        if real in seen:
            raise SnapshotError(f'"{here.relative_to(folder)}" is a link back into its own folder')
        seen.add(real)
        watched += [here, *(here / name for name in IGNORE_FILES)]
        below = "" if here == folder else here.relative_to(folder).as_posix() + "/"
        rules = (*rules, *_rules_of(here, below))
        for entry in sorted(here.iterdir()):
            path = below + entry.name
            if not path.isascii() and path != path.encode("utf-8", "replace").decode():
                raise SnapshotError(f"{json.dumps(path)} is a name that is not UTF-8")
            is_folder = entry.is_dir()
            is_out = (is_folder and entry.name in IGNORED_FOLDERS) or entry.name == ".DS_Store"
            if _is_ignored(path + "/" if is_folder else path, rules, is_out) or entry.name in IGNORE_FILES:
                continue
            if entry.is_symlink() and not entry.resolve().is_relative_to(root):
                raise SnapshotError(f'"{path}" is a link that leads out of the project')
            if is_folder:
                pending.append((entry, rules))
            elif entry.is_file() and entry.resolve() not in left_out:
                found.append(CodeFile(path, entry, digest_of_file(entry), os.access(entry, os.X_OK)))
    yield from sorted(found, key=lambda file: file.path)


def _rules_of(folder: FilePath, prefix: str) -> Iterator[tuple[str, pathspec.GitIgnoreSpec]]:
    for name in IGNORE_FILES:
        file = folder / name
        if file.is_file():
            import pathspec  # takes longer to import than a small spec to read, and most folders have no such file

            yield (
                prefix,
                pathspec.GitIgnoreSpec.from_lines(file.read_text(encoding="utf-8", errors="replace").splitlines()),
            )


def _rules_above(folder: FilePath, root: FilePath) -> Iterator[tuple[str, pathspec.GitIgnoreSpec]]:
    """Yield the rules of ignore files between the project's root and the folder; their paths start further up."""
    real = folder.resolve()
    if not real.is_relative_to(root):
        return
    between = real.relative_to(root).parts
    for depth in range(len(between)):
        above = root.joinpath(*between[:depth])
        prefix = "/".join(between[depth:])
        for _, spec in _rules_of(above, ""):
            yield f"^{prefix}/", spec


def _is_ignored(path: str, rules: tuple[tuple[str, pathspec.GitIgnoreSpec], ...], ignored: bool) -> bool:
    """Return what the last rule says that speaks of a path, or what is so without any."""
    for prefix, spec in rules:
        if prefix.startswith("^"):
            seen = prefix[1:] + path
        elif path.startswith(prefix):
            seen = path[len(prefix) :]
        else:
            continue
        result = spec.check_file(seen)
        if result.include is not None:
            ignored = result.include
    return ignored
