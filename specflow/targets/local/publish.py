"""After a run that succeeded: outputs are written where the pipeline says, and registered under their names."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path as FilePath
from typing import Any

from specflow.attempt.evaluate import EvaluationError, evaluate, text_of
from specflow.attempt.values import PATH_TYPES
from specflow.digests import digest_of_path
from specflow.errors import SpecflowError
from specflow.plan import Plan
from specflow.targets.local.bindings import Bindings
from specflow.targets.local.places import copy_to, disjoint, place_of, put, withdraw
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
                location = _text(declared["location"], look_up, name, "location")
                is_there = _is_elsewhere(declared["location"])
                written = location if is_there else _write(value, declared, location, workspace)
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
    """Raise SpecflowError, before anything runs, for an output that has no place or no name where it is to go now."""
    look_up = Bindings(plan, inputs, facts).look_up
    places = {}
    for name, declared in plan.document["outputs"].items():
        if declared["location"] is not None:
            location = _text(declared["location"], look_up, name, "location")
            if not _is_elsewhere(declared["location"]):
                places[name] = place_of(location, workspace.root)
        if declared["register"] is not None:
            _registered(declared["register"], look_up, name)
    disjoint(places, (FilePath(plan.place(source)).absolute() for source in plan.sources))


def _text(tree: list[Any], look_up: Callable[[list[Any]], Any], name: str, key: str) -> str:
    try:
        return text_of(evaluate(tree, look_up))
    except EvaluationError as failure:
        raise SpecflowError(
            f'the {key} of the output "{name}" can\'t be told: {failure}', "mend it, or the inputs that it names"
        ) from failure


def _is_elsewhere(location: list[Any]) -> bool:
    """Return whether a platform writes an output, to an address: a target that can't has refused the plan."""
    head = location[1] if location[0] == "text" else location
    if head[0] != "value" or ":" not in str(head[1]):
        return False
    from specflow.graph.locations import leads_away  # brings the whole language with it

    return leads_away(location)


def export(result: Result, plan: Plan, folder: FilePath, workspace: Workspace) -> dict[str, Any]:
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
            target = folder / f"{stem}{suffix}"
            put(partial(copy_to, source), target, workspace)
            copies.append(str(target))
        exported[name] = copies if isinstance(value, list) else copies[0]
        for left in sorted(folder.iterdir()) if isinstance(value, list) else ():  # of a longer list, before
            number = left.name.removeprefix(f"{name}-").partition(".")[0]
            if left.name.startswith(f"{name}-") and number.isdigit() and int(number) >= len(items):
                withdraw(left, workspace)
    return exported


def _write(value: Any, declared: Mapping[str, Any], location: str, workspace: Workspace) -> str:
    target = place_of(location, workspace.root)

    def make(fresh: FilePath) -> None:
        if declared["type"] not in PATH_TYPES:
            fresh.write_text(text_of(value), encoding="utf-8")
        elif isinstance(value, list):
            _copy_all(value, fresh)
        else:
            copy_to(FilePath(value), fresh)

    put(make, target, workspace)
    return target.relative_to(workspace.root).as_posix()


def _copy_all(items: Sequence[str], folder: FilePath) -> list[str]:
    """Copy the items of a list into a new folder, and return their names there, which begin with their places in it."""
    folder.mkdir()
    width = len(str(len(items) - 1))
    names = [f"{index:0{width}}-{FilePath(item).name}" for index, item in enumerate(items)]
    for item, name in zip(items, names, strict=True):
        copy_to(FilePath(item), folder / name)
    return names


def _registered(declared: Mapping[str, Any], look_up: Callable[[list[Any]], Any], name: str) -> tuple[str, str | None]:
    """Return the name and the version that an output is registered under, None for the next one."""
    found = []
    for key in ("name", "version"):
        tree = declared[key]
        text = _text(tree, look_up, name, f"{key} to register") if tree is not None else None
        if text is not None and (not text or set(text) - _NAME_PARTS or text.startswith(".")):
            message = f'"{text}" is not a {key} for a registry'
            raise SpecflowError(message, "use letters, digits, dots, dashes and underscores")
        found.append(text)
    return str(found[0]), found[1]


def _register(
    plan: Plan, name: str, declared: Mapping[str, Any], value: Any, workspace: Workspace, result: Result, look_up: Any
) -> str:
    registered, version = _registered(declared["register"], look_up, name)
    home = workspace.registry(registered)
    home.mkdir(parents=True, exist_ok=True)
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
        if declared["type"] in PATH_TYPES and isinstance(value, list):
            names = _copy_all(value, fresh / "items")
            entry |= {"path": [f"items/{each}" for each in names], "sha256": digest_of_path(fresh / "items")}
        elif declared["type"] in PATH_TYPES:
            source = FilePath(value)
            copy_to(source, fresh / source.name)
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
