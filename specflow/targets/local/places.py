"""Places in the project that outputs go to: which they may be, and how what stands there is replaced.

Nothing of a user's is lost: a folder is replaced only if all that is in it was put there by a run, as that run left it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path as FilePath

from specflow.attempt.digests import digest_of_file, files_below
from specflow.claims import claim
from specflow.errors import SpecflowError
from specflow.targets.local.workspace import FOLDER, Workspace

__all__ = ["copy_to", "disjoint", "place_of", "put", "withdraw"]

_WAY_OUT = "name another place"


def place_of(location: str, root: FilePath) -> FilePath:
    """Return where in the project an output goes; raise SpecflowError for an address, and for what is no output's."""
    if ":" in location and _is_address(location):
        message = f'the output location "{location}" turns out to be an address'
        raise SpecflowError(message, "name a place in the project, or write how the address begins into the spec")
    if "\0" in location:
        raise SpecflowError("an output location holds a NUL, which no path can", _WAY_OUT)
    place, home = FilePath(os.path.normpath(root / location)), root.resolve()
    if not place.resolve().is_relative_to(home):
        raise SpecflowError(f'the output location "{location}" leads out of the project', "name a place inside it")
    if place.resolve() == home:
        raise SpecflowError(f'the output location "{location}" is the project itself', "name a place inside it")
    owner = {".git": "git", FOLDER: "specflow"}.get(place.resolve().relative_to(home).parts[0])
    if owner is not None:
        raise SpecflowError(f'the output location "{location}" lies in a folder of {owner}\'s', _WAY_OUT)
    return place


def _is_address(location: str) -> bool:
    from specflow.spec.checks.files import is_address  # brings the whole language with it

    return is_address(location)


def disjoint(places: Mapping[str, FilePath], read: Iterator[FilePath]) -> None:
    """Raise SpecflowError where outputs would go over each other, or over what the plan reads."""
    found = {place: name for name, place in places.items()}
    for name, place in places.items():
        others = [other for other in (place, *place.parents) if other in found and found[other] != name]
        if others:
            message = f'the outputs "{found[others[0]]}" and "{name}" would go over each other, to "{place}"'
            raise SpecflowError(message, "give each a place of its own")
    for source in read if places else ():
        taken = next((place for place in (source, *source.parents) if place in found), None)
        if taken is not None:
            message = f'the output "{found[taken]}" would go over "{source}", which the pipeline reads'
            raise SpecflowError(message, _WAY_OUT)


def put(make: Callable[[FilePath], None], target: FilePath, workspace: Workspace) -> None:
    """Have `make` make what stands in a target's place once it is whole, and take down what that is.

    Raises SpecflowError where a folder stands there with anything that no run has put there.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    named = _named(target, workspace)
    with _alone(named.with_suffix(".lock")), _beside(target) as (fresh, old):
        make(fresh)
        known = _content(fresh)
        is_folder = target.is_dir() and not target.is_symlink()
        if is_folder or (fresh.is_dir() and os.path.lexists(target)):
            if _content(target) != known:
                _check_that_it_is_ours(target, named)
            target.rename(old)
        _write(named, {"place": str(target), "files": known})
        try:
            fresh.replace(target)
        except OSError:
            if os.path.lexists(old):
                old.rename(target)
            raise


def withdraw(target: FilePath, workspace: Workspace) -> None:
    """Remove what a run has put at a place, if it still is as that run left it."""
    named = _named(target, workspace)
    with _alone(named.with_suffix(".lock")):
        if named.exists() and os.path.lexists(target) and _content(target) == _read(named):
            _remove(target, named)


def _named(target: FilePath, workspace: Workspace) -> FilePath:
    """Return the file that says what runs have put at a place."""
    home = workspace.path / "published"
    home.mkdir(parents=True, exist_ok=True)
    return home / hashlib.sha256(os.fsencode(target.absolute())).hexdigest()[:32]


def _read(named: FilePath) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(named.read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError):
        return {}
    return found


def copy_to(source: FilePath, place: FilePath) -> None:
    """Copy a file or folder to a place where nothing is, writable again."""
    if not source.is_dir():
        shutil.copyfile(source, place)
        return
    shutil.copytree(source, place, copy_function=shutil.copyfile)
    for here, _, _ in os.walk(place):
        FilePath(here).chmod(0o755)


def _check_that_it_is_ours(folder: FilePath, named: FilePath) -> None:
    """Raise SpecflowError for a folder, or a file where one is to go, with anything not as a run has put it there."""
    known = _read(named)
    for name, sha256 in _content(folder).items():
        if known.get(name) != sha256:
            there = f'"{folder}" holds "{name}", which' if name else f'"{folder}" is a file that'
            message = f"{there} no run has put there" + (" so" if name in known else "")
            raise SpecflowError(message, f"move it away, or {_WAY_OUT}, and run it again: what was made is kept")


def _content(path: FilePath) -> dict[str, str]:
    """Return the digest of each file of a folder, or of a file by the empty name."""
    if not path.is_dir():
        return {"": digest_of_file(str(path))}
    return {name: digest_of_file(str(path / name)) for name in sorted(files_below(str(path)))}


def _write(file: FilePath, document: Mapping[str, object]) -> None:
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(document), encoding="utf-8")
    fresh.replace(file)


@contextmanager
def _alone(lock: FilePath) -> Iterator[None]:
    """Have a place for oneself: two runs may put the same there."""
    descriptor = claim(lock)
    assert descriptor is not None
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _beside(target: FilePath) -> Iterator[tuple[FilePath, FilePath]]:
    """Yield where to make what goes to a target's place, and where what stood there is moved to; both go afterwards."""
    fresh, old = (target.with_name(f".{target.name}.{kind}-specflow") for kind in ("new", "old"))
    if os.path.lexists(old) and not os.path.lexists(target):
        old.rename(target)  # who moved it there was killed
    _remove(fresh, old)
    try:
        yield fresh, old
    finally:
        _remove(fresh, old)


def _remove(*paths: FilePath) -> None:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
