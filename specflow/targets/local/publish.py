"""After a run that succeeded: outputs are written where the pipeline says, and registered under their names."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path as FilePath
from typing import Any

from specflow.attempt.evaluate import evaluate, text_of
from specflow.attempt.values import PATH_TYPES
from specflow.digests import digest_of_path
from specflow.errors import SpecflowError
from specflow.plan import Plan
from specflow.targets.local.bindings import Bindings
from specflow.targets.local.steps import Result
from specflow.targets.local.workspace import Workspace

__all__ = ["check_places", "export", "publish"]

_NAME_PARTS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def publish(plan: Plan, result: Result, inputs: Mapping[str, Any], workspace: Workspace, date: str) -> dict[str, str]:
    """Return what was done with each output that has a `location` or `register`: a sentence by output name."""
    look_up = Bindings(plan, inputs, {"id": result.run, "date": date}).look_up
    done = {}
    for name, declared in plan.document["outputs"].items():
        value = result.outputs[name]
        if value is None:
            continue
        try:
            if declared["location"] is not None:
                location = text_of(evaluate(declared["location"], look_up))
                is_there = _is_elsewhere(declared["location"])
                written = location if is_there else _write(value, declared, location, workspace.root)
                done[name] = f"written to {written}"
            if name in result.registered:
                done[name] = f"registered as {result.registered[name]}"
            elif declared["register"] is not None:
                told = _register(plan, name, declared, value, workspace, result, look_up)
                done[name] = f"{done[name]}, {told}" if name in done else told
        except OSError as failure:
            place = failure.filename2 or failure.filename
            said = (failure.strerror or str(failure)).lower()
            message = f'can\'t publish the output "{name}": {said}{f": {place}" if place else ""}'
            raise SpecflowError(message, "make way for it, or name another place, and run it again") from failure
    return done


def check_places(plan: Plan, inputs: Mapping[str, Any], workspace: Workspace, facts: Mapping[str, Any]) -> None:
    """Raise SpecflowError, before anything runs, for an output that has no place where its location leads now."""
    look_up = Bindings(plan, inputs, facts).look_up
    for declared in plan.document["outputs"].values():
        if declared["location"] is not None and not _is_elsewhere(declared["location"]):
            _place(text_of(evaluate(declared["location"], look_up)), workspace.root)


def _is_elsewhere(location: list[Any]) -> bool:
    """Return whether a platform writes an output, to an address: a target that can't has refused the plan."""
    from specflow.graph.locations import leads_away  # brings the whole language with it

    return leads_away(location)


def _place(location: str, root: FilePath) -> FilePath:
    """Return where in the project an output goes; raise SpecflowError for an address, and what leads out."""
    from specflow.spec.checks.files import is_address

    if is_address(location):
        message = f'the output location "{location}" turns out to be an address'
        raise SpecflowError(message, "name a place in the project, or write how the address begins into the spec")
    place = FilePath(os.path.normpath(root / location))
    if not place.resolve().is_relative_to(root.resolve()):
        raise SpecflowError(f'the output location "{location}" leads out of the project', "name a place inside it")
    return place


def export(result: Result, plan: Plan, folder: FilePath) -> dict[str, Any]:
    """Return the outputs of a run with their paths below `folder`, where they have been copied to."""
    folder.mkdir(parents=True, exist_ok=True)
    exported = {}
    for name, value in result.outputs.items():
        is_path = plan.document["outputs"][name]["type"] in PATH_TYPES
        if value is None or not is_path:
            exported[name] = value
            continue
        items = value if isinstance(value, list) else [value]
        copies = []
        for index, item in enumerate(items):
            source = FilePath(item)
            suffix = "".join(source.suffixes)
            stem = f"{name}-{index}" if isinstance(value, list) else name
            copies.append(str(_replace(source, folder / f"{stem}{suffix}")))
        exported[name] = copies if isinstance(value, list) else copies[0]
    return exported


def _write(value: Any, declared: Mapping[str, Any], location: str, root: FilePath) -> str:
    target = _place(location, root)
    if declared["type"] not in PATH_TYPES:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _beside(target) as fresh:
            fresh.write_text(text_of(value), encoding="utf-8")
    elif isinstance(value, list):
        for item in value:
            _replace(FilePath(item), target / FilePath(item).parent.name / FilePath(item).name)
    else:
        _replace(FilePath(value), target)
    return target.relative_to(root).as_posix()


def _replace(source: FilePath, target: FilePath) -> FilePath:
    """Copy a file or folder to a place, writable again."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with _beside(target) as fresh:
        if source.is_dir():
            shutil.copytree(source, fresh, copy_function=shutil.copyfile)
            for here, _, _ in os.walk(fresh):
                FilePath(here).chmod(0o755)
        else:
            shutil.copyfile(source, fresh)
    return target


@contextmanager
def _beside(target: FilePath) -> Iterator[FilePath]:
    """Yield where to make what is put in a target's place once it is whole; what stood there is never half gone."""
    fresh, old = (target.with_name(f".{target.name}.{kind}-{os.getpid()}") for kind in ("new", "old"))
    try:
        yield fresh
        is_folder = target.is_dir() and not target.is_symlink()
        if is_folder or (fresh.is_dir() and target.exists()):
            target.rename(old)
        try:
            fresh.replace(target)
        except OSError:
            if os.path.lexists(old):
                old.rename(target)
            raise
    finally:
        for left in (fresh, old):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def _register(
    plan: Plan, name: str, declared: Mapping[str, Any], value: Any, workspace: Workspace, result: Result, look_up: Any
) -> str:
    registered = text_of(evaluate(declared["register"]["name"], look_up))
    if not registered or set(registered) - _NAME_PARTS or registered.startswith("."):
        message = f'"{registered}" is not a name for a registry'
        raise SpecflowError(message, "use letters, digits, dots, dashes and underscores")
    home = workspace.registry(registered)
    home.mkdir(parents=True, exist_ok=True)
    wanted = declared["register"]["version"]
    version = text_of(evaluate(wanted, look_up)) if wanted is not None else None
    if version is not None and (set(version) - _NAME_PARTS or version.startswith(".")):
        raise SpecflowError(
            f'"{version}" is not a version for a registry', "use letters, digits, dots, dashes and underscores"
        )
    entry = {
        "pipeline": plan.name,
        "output": name,
        "run": result.run,
        "type": declared["type"],
        "plan": plan.document["digest"],
    }
    fresh = home / f".new-{result.run}-{name}"
    fresh.mkdir()
    try:
        if declared["type"] in PATH_TYPES and not isinstance(value, list):
            source = FilePath(value)
            _replace(source, fresh / source.name)
            entry |= {"path": source.name, "sha256": digest_of_path(source)}
        else:
            entry["value"] = value
        (fresh / "entry.json").write_text(json.dumps(entry, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        return f"registered as {registered}:{_enter(fresh, home, version, registered, entry)}"
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _enter(fresh: FilePath, home: FilePath, version: str | None, registered: str, entry: Mapping[str, Any]) -> str:
    """Return the version under which a whole entry stands now: the one asked for, or the next number.

    A version that holds the very same already is as good as entered.
    """
    number = max((int(path.name) for path in home.iterdir() if path.name.isdigit()), default=0)
    while True:
        number += 1
        place = home / (version if version is not None else str(number))
        try:
            fresh.rename(place)  # refused where there is something already: entries are never empty
            return place.name
        except OSError:
            if not place.exists():
                raise
        if version is not None:
            if _content(place) == (entry.get("sha256"), entry.get("value")):
                return place.name
            message = f"{registered}:{version} is registered already; versions are not overwritten"
            raise SpecflowError(message, "leave `version` out to get the next one")


def _content(place: FilePath) -> tuple[Any, Any] | None:
    """Return the digest and the value of an entry; None for what is none."""
    try:
        found = json.loads((place / "entry.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found.get("sha256"), found.get("value")
