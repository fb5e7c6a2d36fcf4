"""Trees of files, as folders under the emulator's root: the workspace's and the Unity Catalog volumes'."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
from pathlib import Path as FilePath

from specflow.targets.databricks.emulator.refusals import exists, invalid, missing

__all__ = ["Tree", "segments"]

_NAMED = re.compile(r"-*[A-Za-z_][A-Za-z0-9_.-]*=")


def segments(path: str) -> tuple[str, ...]:
    """Return the names of an absolute path; refuse one that could lead elsewhere: "..", ".", NUL, a relative path."""
    if not path.startswith("/"):
        raise invalid(f'Path ("{path}") doesn\'t start with "/"')
    names = tuple(name for name in path.split("/") if name)
    if any(name in (".", "..") or "\0" in name for name in names):
        raise invalid(f'Path ("{path}") holds a segment that is not a name')
    return names


class Tree:
    """One tree of files. `mount` is the path at which tasks see it (`/Workspace`), `folder` where it is kept here."""

    def __init__(self, mount: str, folder: FilePath) -> None:
        """Make the folder if it is not there."""
        self.mount, self.folder = mount, folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._root = folder.resolve()
        self._attached: list[FilePath] = []

    def place(self, path: str) -> FilePath:
        """Return where a path of the tree is kept, its mount in front or not; refuse one that leads out of it."""
        names = segments(path)
        mount = segments(self.mount)
        if names[: len(mount)] == mount:
            names = names[len(mount) :]
        place = self._root.joinpath(*names)
        # What runs here may have made links.
        real = place.resolve()
        if not any(real.is_relative_to(root) for root in (self._root, *self._attached)):
            raise invalid(f'Path ("{path}") leads out of {self.mount}')
        return place

    def attach(self, path: str, folder: FilePath) -> None:
        """Have a path of the tree be a folder elsewhere on this machine, as an external volume lies elsewhere."""
        folder.mkdir(parents=True, exist_ok=True)
        self._attached.append(folder.resolve())
        place = self.place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_symlink():
            place.unlink()
        place.symlink_to(folder.resolve())

    def here(self, text: str) -> str:
        """Return a text that begins with the mount as a path of this machine, any other unchanged.

        Tasks find their files at `/Workspace/…` and `/Volumes/…` because the platform mounts them (FUSE). Nothing can
        be mounted here without privileges, so what tasks are told is rewritten instead; also behind `--name=` or
        `name=`, and in JSON lists of such paths.
        """
        named = _NAMED.match(text)
        if named is not None:
            return f"{named.group()}{self.here(text[named.end() :])}"
        if text.startswith(f'["{self.mount}/'):
            with contextlib.suppress(ValueError):
                return json.dumps([self.here(item) if isinstance(item, str) else item for item in json.loads(text)])
        if not text.startswith(self.mount + "/"):
            return text
        return str(self._root) + text[len(self.mount) :]

    def write(self, path: str, content: bytes, *, overwrite: bool) -> FilePath:
        """Write a file, whole or not at all, its folders made; refuse to replace one unless told to."""
        place = self.place(path)
        if place.is_dir():
            raise exists(f"{path} is a directory")
        if place.exists() and not overwrite:
            raise exists(f"Path ({path}) already exists.")
        self.make_folder(str(FilePath(path).parent))
        descriptor, name = tempfile.mkstemp(dir=place.parent, prefix=".emulator-")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
            FilePath(name).chmod(0o644)
            FilePath(name).replace(place)
        except BaseException:
            FilePath(name).unlink(missing_ok=True)
            raise
        return place

    def read(self, path: str) -> bytes:
        """Return a file's content; refuse what is not a file."""
        place = self.place(path)
        if not place.is_file():
            raise missing(f"Path ({path}) doesn't exist.")
        return place.read_bytes()

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it."""
        try:
            self.place(path).mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as fault:
            raise exists(f"a file is in the way of {path}") from fault

    def children(self, path: str) -> list[FilePath]:
        """Return what a folder holds, by name; refuse what is not a folder."""
        place = self.place(path)
        if not place.is_dir():
            raise missing(f"Path ({path}) doesn't exist.")
        return sorted(child for child in place.iterdir() if not child.name.startswith(".emulator-"))

    def remove(self, path: str, *, recursive: bool) -> None:
        """Remove a file or a folder; a folder that holds anything only if told to."""
        place = self.place(path)
        if place == self._root:
            raise invalid(f"{self.mount} can't be deleted")
        if place.is_dir() and not place.is_symlink():
            if any(place.iterdir()) and not recursive:
                raise invalid(f"Folder {path} is not empty")
            shutil.rmtree(place)
        elif place.exists() or place.is_symlink():
            place.unlink()
        else:
            raise missing(f"Path ({path}) doesn't exist.")

    def name_of(self, place: FilePath) -> str:
        """Return the path in the tree of what is kept somewhere, its mount in front."""
        with contextlib.suppress(ValueError):
            return f"{self.mount}/{place.relative_to(self._root)}".removesuffix("/.")
        return str(place)
