"""What a spec names on disk: it is there, and it stays inside the project."""

from __future__ import annotations

import json
import keyword
import os
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path as FilePath

from specflow.attempt.values import value_problem
from specflow.diagnostics import Diagnostic, error
from specflow.spec import model
from specflow.spec.checks.context import Body, Context
from specflow.spec.checks.ports import is_sound, port_facts
from specflow.spec.checks.secrets import looks_secret
from specflow.spec.expressions import holds_expression
from specflow.spec.load import File, inside
from specflow.spec.requirements import requirement_lines
from specflow.spec.source import Path
from specflow.spec.types import nearest

__all__ = [
    "ADDRESS",
    "bad_notebooks",
    "is_address",
    "missing_code",
    "missing_environment_files",
    "missing_locations",
    "path_faults",
    "paths_of_others",
    "paths_outwards",
    "unknown_protocols",
]

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:(?=.)")
PROTOCOLS = ("abfs", "abfss", "adl", "az", "azureml", "dbfs", "gs", "http", "https", "s3", "wasbs")
"""Addresses that a location may have. `file:` is not among them: it would lead out of the project."""


def is_address(location: str) -> bool:
    """Return whether a location is an address rather than a path."""
    return ADDRESS.match(location) is not None and not (len(location) > 1 and location[1:3] == ":\\")


def path_faults(file: File, root: FilePath, path: Path, text: str, code: str, kind: str) -> Iterator[Diagnostic]:
    """Yield why the file or folder that `text` names, at some place of a file, can't be used.

    `root` is the project's folder; `kind` is "file", "folder" or "any".
    """
    if "\0" in text:
        yield error(code, "a path can't hold a NUL character", file.span(*path))
        return
    outwards = tuple(_outwards(file, root, path, text))
    yield from outwards
    name = os.path.normpath(os.path.join(file.folder, text))  # noqa: PTH118 - for every path in a spec
    if outwards or (os.path.isfile(name) and kind != "folder"):  # noqa: PTH113
        return
    span, target = file.span(*path), FilePath(name)
    if not os.path.exists(name):  # noqa: PTH110 - Path's own raises for a name that is too long for any file
        folder = target.parent
        names = os.listdir(folder) if os.path.isdir(folder) else []  # noqa: PTH112, PTH208
        close = nearest(target.name, names) if names else ""
        help_ = close if "did you mean" in close else "paths start from the file that names them"
        yield error(code, f'there is no "{text}"', span, help_)
    elif kind == "folder" and not target.is_dir():
        yield error(code, f'"{text}" is a file, and this takes a folder', span)
    elif kind == "file" and not target.is_file():
        yield error(code, f'"{text}" is a folder, and this takes a file', span)


def _path_faults(context: Context, path: Path, text: str, code: str, kind: str) -> Iterator[Diagnostic]:
    yield from path_faults(context.file, context.workspace.root, path, text, code, kind)


def paths_outwards(context: Context, path: Path, text: str) -> Iterator[Diagnostic]:
    """Yield that the path at some place of a file leads out of the project, if it does."""
    yield from _outwards(context.file, context.workspace.root, path, text)


def paths_of_others(context: Context, path: Path, text: str) -> Iterator[Diagnostic]:
    """Yield why an output can't go to a path: it leads out of the project, or to what is no output's."""
    found = tuple(paths_outwards(context, path, text))
    yield from found
    root, spec = context.workspace.root, context.file.document.file
    place = FilePath(os.path.normpath(context.file.folder / text))
    if found:
        return
    within = place.relative_to(root).parts
    taken = "git" if within[:1] == (".git",) else "specflow" if within[:1] == (".specflow",) else ""
    what = f"lies in a folder of {taken}'s" if taken else "holds this very spec" if spec.is_relative_to(place) else ""
    if what:
        message = f'no output can go to "{text}", which {what}'
        yield error("invalid-value", message, context.file.span(*path), "name another place")


def _outwards(file: File, root: FilePath, path: Path, text: str) -> Iterator[Diagnostic]:
    target = os.path.normpath(os.path.join(file.folder, text))  # noqa: PTH118 - for every path in a spec
    if os.path.isabs(text) or not inside(root, target):  # noqa: PTH117
        message = f'"{text}" leads out of the project'
        yield error("path-escapes", message, file.span(*path), "name a path inside the project")


def missing_code(context: Context) -> Iterator[Diagnostic]:
    """Yield code folders that aren't there."""
    places: list[tuple[Path, str | None]] = [(("code",), context.file.model.code)]
    if context.file.kind == "pipeline":
        places += [(("steps", name, "code"), step.code) for name, step in context.file.model.steps.items()]
    for path, code in places:
        if code is not None:
            yield from _path_faults(context, path, code, "code-missing", "folder")


def _environments(context: Context) -> Iterator[tuple[Path, model.Environment]]:
    def given(path: Path, environment: object) -> Iterator[tuple[Path, model.Environment]]:
        if isinstance(environment, model.Environment):
            yield path, environment

    yield from given(("environment",), context.file.model.environment)
    if context.file.kind == "pipeline":
        for name, environment in context.file.model.environments.items():
            yield from given(("environments", name), environment)
        for name, step in context.file.model.steps.items():
            yield from given(("steps", name, "environment"), step.environment)


def missing_environment_files(context: Context) -> Iterator[Diagnostic]:
    """Yield requirements, conda and wheel files that aren't there or hold a secret, and lines pip would not take."""
    for path, environment in _environments(context):
        for key in ("requirements", "conda"):
            text = getattr(environment, key)
            if text is not None:
                faults = tuple(_path_faults(context, (*path, key), text, "environment-file-missing", "file"))
                yield from faults or _written_secrets(context, (*path, key), text)
        for index, wheel in enumerate(environment.wheels):
            yield from _path_faults(context, (*path, "wheels", index), wheel, "environment-file-missing", "file")
        yield from _bad_requirements(context, path, environment)


def _written_secrets(context: Context, path: Path, text: str) -> Iterator[Diagnostic]:
    """Yield the lines that hold a secret in a file of packages, and in those that it includes."""
    file, read = FilePath(context.file.folder, text), dict[FilePath, str]()
    try:
        if path[-1] == "requirements":
            deque(requirement_lines(file, read), maxlen=0)
        else:
            read[file] = file.read_text(encoding="utf-8", errors="replace")
    except OSError as failure:
        message = f'can\'t read "{os.path.relpath(failure.filename, context.file.folder)}": {failure.strerror}'
        yield error("environment-file-missing", message, context.file.span(*path))
    for one, content in read.items():
        for number, line in enumerate(content.splitlines(), 1):
            what = looks_secret("", line)
            if what is not None:
                name = FilePath(os.path.relpath(one, context.file.folder)).as_posix()
                message = f'line {number} of "{name}" holds what looks like {what}'
                help_ = "take it out: pip finds it in ~/.netrc; on a platform, an image or environment has the packages"
                yield error("literal-secret", message, context.file.span(*path), help_)


def _bad_requirements(context: Context, path: Path, environment: model.Environment) -> Iterator[Diagnostic]:
    if not environment.dependencies and environment.python is None:
        return
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    for index, line in enumerate(environment.dependencies):
        try:
            Requirement(line)
        except InvalidRequirement as failure:
            message = f'"{line}" is not a requirement line: {str(failure).splitlines()[0].strip().lower()}'
            yield error(
                "bad-requirement", message, context.file.span(*path, "dependencies", index), 'such as "pandas>=2"'
            )
    if environment.python is not None:
        try:
            SpecifierSet(environment.python)
        except InvalidSpecifier:
            message = f'"{environment.python}" is not a version specifier'
            help_ = f'such as ">={environment.python}"' if environment.python[0].isdigit() else 'such as ">=3.10"'
            yield error("bad-requirement", message, context.file.span(*path, "python"), help_)


def bad_notebooks(context: Context) -> Iterator[Diagnostic]:
    """Yield notebooks that aren't there, or are none, or have no place for their inputs."""
    for body in context.bodies():
        notebook = body.body.notebook
        if notebook is None:
            continue
        path = (*body.path, "notebook")
        missing = list(_path_faults(context, path, notebook, "notebook-missing", "file"))
        yield from missing
        if missing:
            continue
        yield from _keyword_ports(context, body)
        problem = _notebook_problem(context.file.folder / notebook, bool(body.body.inputs or body.body.outputs))
        if problem is not None:
            yield error("bad-notebook", f'"{notebook}" {problem[0]}', context.file.span(*path), problem[1])


def _keyword_ports(context: Context, body: Body) -> Iterator[Diagnostic]:
    """Yield ports that no notebook can have: it gets each as a variable of that name."""
    for kind in ("inputs", "outputs"):
        for name in getattr(body.body, kind):
            if keyword.iskeyword(name) and str(body.body.notebook).endswith(".ipynb"):
                message = f'"{name}" is a word of Python\'s own, and a notebook gets its ports as variables'
                place = context.file.key_span(*body.path, kind, name)
                yield error("bad-notebook", message, place, "give the port another name")


def _notebook_problem(file: FilePath, has_ports: bool) -> tuple[str, str] | None:
    if file.suffix == ".py":
        first = file.read_text(encoding="utf-8", errors="replace").split("\n", 1)[0]
        if first.strip() == "# Databricks notebook source":
            return None
        return "is a Python file, not a notebook", "start it by `run: python …`"
    if file.suffix != ".ipynb":
        return "is not a notebook", "a notebook is an .ipynb, or a Databricks source notebook (.py)"
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        cells, about = document["cells"], document.get("metadata", {})
        language = about.get("kernelspec", {}).get("language") or about.get("language_info", {}).get("name") or "python"
        tagged = any("parameters" in cell.get("metadata", {}).get("tags", ()) for cell in cells)
    except (ValueError, KeyError, TypeError, AttributeError):
        return "is not a notebook: its JSON has no list of cells", "save it again from Jupyter"
    if str(language).lower() not in ("python", "ipython"):
        return f'is written in "{language}"', "only notebooks in Python are executed"
    if has_ports and not tagged:
        return (
            "has no cell tagged `parameters`, so its ports have no place to go",
            "tag the cell that sets their defaults",
        )
    return None


def missing_locations(context: Context) -> Iterator[Diagnostic]:
    """Yield locations that lead nowhere: of data, of defaults of path ports, of literals given to path ports."""
    file = context.file
    if file.kind in ("pipeline", "project"):
        for name, source in file.model.data.items():
            yield from _source_faults(context, ("data", name, "location"), source)
    if file.kind == "project":
        return
    for name, port in file.model.inputs.items():
        if port.is_path and port.default is not None:
            yield from _literal_faults(context, ("inputs", name, "default"), port.default, port)
    if file.kind == "pipeline":
        for name, step in file.model.steps.items():
            declared = context.signatures.of(file, name).inputs or {}
            for port_name, value in step.inputs.items():
                port = declared.get(port_name)
                if port is not None and port.is_path:
                    yield from _literal_faults(context, ("steps", name, "inputs", port_name), value, port)


def _source_faults(context: Context, path: Path, source: model.DataSource) -> Iterator[Diagnostic]:
    kind = "file" if source.type in ("file", "metrics") else "folder"
    if isinstance(source.location, str):
        yield from _location_faults(context, path, source.location, kind, "data-missing")
        return
    for target, location in source.location.items():
        known = context.nameable_targets
        if target not in known:
            message = f'there is no target "{target}"'
            yield error("unknown-target", message, context.file.key_span(*path, target), nearest(target, known))
        elif target == "local" or holds_expression(location):
            yield from _location_faults(context, (*path, target), location, kind, "data-missing")


def _literal_faults(context: Context, path: Path, value: object, port: model.Input) -> Iterator[Diagnostic]:
    if holds_expression(value) or not is_sound(port) or value_problem(value, port_facts(port)) is not None:
        return  # told where the port is declared, or where it is given its value
    kind = "file" if port.type in ("file", "metrics") else "folder"
    if isinstance(value, tuple):
        for index, item in enumerate(value):
            if isinstance(item, str):
                yield from _location_faults(context, (*path, index), item, kind, "data-missing")
    elif isinstance(value, str):
        yield from _location_faults(context, path, value, kind, "data-missing")


def _location_faults(context: Context, path: Path, location: str, kind: str, code: str) -> Iterator[Diagnostic]:
    if holds_expression(location):
        if path[0] == "data":
            yield from context.typed(path, location, context.scope(("profile",)))[1]
        return
    if not is_address(location):
        yield from _path_faults(context, path, location, code, kind)
        return
    yield from unknown_protocols(context, path, location)


def unknown_protocols(context: Context, path: Path, address: str) -> Iterator[Diagnostic]:
    """Yield that the address at some place of a file begins with a protocol that is not read, if it does."""
    protocol = address.partition(":")[0]
    if protocol not in PROTOCOLS:
        message = f'addresses that begin with "{protocol}:" are not read'
        yield error("unknown-protocol", message, context.file.span(*path), nearest(protocol, PROTOCOLS))
