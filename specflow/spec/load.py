"""Files → loaded documents with their models: `uses:` followed, the project found, profiles chosen.

A file with mistakes is loaded without what is mistaken, so that everything else in it can still be checked; what was
left out is remembered as broken, and nothing that hangs on it is reported again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from specflow.diagnostics import Diagnostic, Related, Span, error
from specflow.spec import model
from specflow.spec.source import Document, Path, read_document
from specflow.spec.types import nearest

__all__ = ["File", "Loader", "Workspace", "find_root", "inside"]

PROJECT_FILE = "specflow.yaml"
MAX_NESTING = 20
"""Pipelines inside each other."""

Model = model.Step | model.Pipeline | model.Project


@dataclass(frozen=True, slots=True)
class File:
    """One loaded file. `broken` holds the paths that were left out because of mistakes.

    `incomplete` holds mappings with a key that nobody understands: it may be any of those that aren't there.
    """

    document: Document
    kind: str
    model: Any
    broken: frozenset[Path] = frozenset()
    uses: dict[str, FilePath] = field(default_factory=dict)
    """The file that each step uses, as far as it was found."""
    incomplete: frozenset[Path] = frozenset()

    @property
    def folder(self) -> FilePath:
        """Return the folder that the file's relative paths start from."""
        return self.document.file.parent

    def is_broken(self, path: Path) -> bool:
        """Return whether something at, above or right below `path` was left out."""
        return self.lost(path) or any(below[: len(path)] == path for below in self.broken | self.incomplete)

    def lost(self, path: Path) -> bool:
        """Return whether the value at `path`, or one that holds it, was left out; or may be there by another name."""
        if any(path[: len(left_out)] == left_out for left_out in self.broken):
            return True
        above = [path[: len(holder) + 1] for holder in self.incomplete if path[: len(holder)] == holder != path]
        return any(not self.document.has(entry) for entry in above)

    def span(self, *path: str | int) -> Span:
        """Return where the value at `path` stands."""
        return self.document.span(path)

    def key_span(self, *path: str | int) -> Span:
        """Return where the key at `path` stands."""
        return self.document.key_span(path)


@dataclass(frozen=True, slots=True)
class Workspace:
    """A spec and everything that it reaches: files by absolute path, the project's root and the profile in force."""

    root: FilePath
    spec: FilePath
    files: dict[FilePath, File]
    project: File | None
    profile_name: str | None
    profile: model.Profile

    @property
    def main(self) -> File:
        """Return the file that was asked for."""
        return self.files[self.spec]


def find_root(start: FilePath) -> FilePath:
    """Return the project's folder for a spec in folder `start`.

    The nearest one upward with a specflow.yaml; without one the nearest with .git or pyproject.toml, else `start`.
    """
    above = (start, *start.parents)
    for folder in above:
        if (folder / PROJECT_FILE).is_file():
            return folder
    return next(
        (folder for folder in above if (folder / ".git").exists() or (folder / "pyproject.toml").exists()), start
    )


def inside(root: FilePath, path: FilePath | str) -> bool:
    """Return whether a path, its symbolic links followed, stays inside a folder."""
    there, around = os.path.realpath(path), os.path.realpath(root)
    return there == around or there.startswith(around if around.endswith(os.sep) else around + os.sep)


class Loader:
    """Loads specs; each file is read once, however many specs use it. `here` is where shown paths start from."""

    def __init__(self, here: FilePath, profile: str | None = None) -> None:
        """Remember where shown paths start, and which profile the user named."""
        self.here, self.profile = here, profile
        self.files: dict[FilePath, File | None] = {}
        self.found: list[Diagnostic] = []

    def load(self, spec: FilePath) -> tuple[Workspace | None, tuple[Diagnostic, ...]]:
        """Return the spec with all that it reaches, and what was found wrong on the way.

        No workspace when the spec itself, or the project file, can't be used at all.
        """
        self.found = []
        spec = FilePath(os.path.abspath(spec))  # noqa: PTH100 - symbolic links stay: they are checked against the root
        root = find_root(spec.parent)
        main = self._file(spec, root, ())
        project = self._project(root)
        profile_name, profile = self._profile(project)
        if main is None or (project is None and (root / PROJECT_FILE).is_file()):
            return None, tuple(self.found)
        reached = dict(_reach(spec, self.files))
        return Workspace(root, spec, reached, project, profile_name, profile), tuple(self.found)

    def profile_of(self, root: FilePath) -> tuple[model.Profile | None, tuple[Diagnostic, ...]]:
        """Return the profile in force in a project, without any spec; none where the project file can't be used."""
        self.found = []
        project = self._project(root)
        _, profile = self._profile(project)
        is_broken = project is None and (root / PROJECT_FILE).is_file()
        return None if is_broken or self.found else profile, tuple(self.found)

    def name(self, file: FilePath) -> str:
        """Return a path as messages show it: relative to where the user stands, if it is below."""
        relative = os.path.relpath(file, self.here)
        return str(file) if relative.startswith("..") else relative

    def _project(self, root: FilePath) -> File | None:
        file = root / PROJECT_FILE
        if not file.is_file():
            return None
        if file not in self.files:
            document = self._read(file)
            self.files[file] = self._modelled(document, "project") if document is not None else None
        return self.files[file]

    def _profile(self, project: File | None) -> tuple[str | None, model.Profile]:
        empty = model.Profile()
        declared = project.model if project is not None else model.Project(specflow=1)
        name = self.profile or declared.profile
        if name is None:
            return None, empty
        profiles = declared.profiles
        if name in profiles:
            return name, profiles[name]
        if project is not None and project.is_broken(("profiles", name)):
            return name, empty
        message = f'there is no profile "{name}"'
        if project is None:
            help_ = f"this project has no {PROJECT_FILE}: run `specflow init --profile {name}` or leave --profile out"
            self.found.append(error("unknown-profile", message, Span("--profile"), help_))
        else:
            place = project.span("profile") if name == declared.profile and self.profile is None else Span("--profile")
            self.found.append(error("unknown-profile", message, place, nearest(name, profiles)))
        return name, empty

    def _read(self, file: FilePath) -> Document | None:
        document, found = read_document(file, self.name(file))
        self.found.extend(found)
        return document

    def _file(self, file: FilePath, root: FilePath, above: tuple[FilePath, ...]) -> File | None:
        if file in self.files:
            return self.files[file]
        self.files[file] = None
        document = self._read(file)
        if document is None:
            return None
        kind = _kind(document)
        if isinstance(kind, Diagnostic):
            self.found.append(kind)
            return None
        loaded = self._modelled(document, kind)
        self.files[file] = loaded
        if loaded is not None and kind == "pipeline":
            self._follow_uses(loaded, root, (*above, file))
        return loaded

    def _modelled(self, document: Document, kind: str) -> File | None:
        """Return the file's model; where it has mistakes, the model of what is left without them."""
        shape: Any = {"step": model.Step, "pipeline": model.Pipeline, "project": model.Project}[kind]
        if not document.broken:
            try:
                return File(document, kind, shape.model_validate(document.data), incomplete=document.incomplete)
            except ValidationError:
                pass
        from specflow.spec.schema import understood

        document, faults = understood(document, kind)
        # Another version of the language may have other keys: nothing else can be said of such a file.
        versions = [fault for fault in faults if fault.diagnostic.code == "unsupported-version"]
        faults = tuple(fault for fault in versions if not fault.is_consequence) or faults
        self.found.extend(fault.diagnostic for fault in faults if not fault.is_consequence)
        left_out = [fault for fault in faults if not fault.meant]
        broken = {_in_lists_whole(path) for path in (*(fault.path for fault in left_out), *document.broken)}
        if () in broken or any(fault.diagnostic.code == "unsupported-version" for fault in left_out):
            return None
        unknown = {fault.path[:-1] for fault in left_out if fault.diagnostic.code in ("unknown-key", "bad-name")}
        incomplete = document.incomplete | unknown
        for _ in range(MAX_REPAIRS):
            data = _HEADS[kind] | _without(document.data, broken)
            try:
                return File(document, kind, shape.model_validate(data), frozenset(broken), incomplete=incomplete)
            except ValidationError as failure:
                wider = _wider(failure, broken)
            if wider <= broken:
                break
            broken |= wider
        return None

    def _follow_uses(self, file: File, root: FilePath, above: tuple[FilePath, ...]) -> None:
        followed: dict[str, FilePath] = {}
        for name, step in file.model.steps.items():
            if step.uses is None:
                continue
            if step.uses in followed:
                file.uses[name] = followed[step.uses]
                continue
            place = file.span("steps", name, "uses")
            target = self._used_file(file, step.uses, place, root)
            if target is None:
                continue
            if target in above:
                chain = " → ".join(f'"{self.name(path)}"' for path in (*above[above.index(target) :], target))
                self.found.append(error("uses-cycle", f"a pipeline ends up using itself: {chain}", place))
                continue
            if len(above) >= MAX_NESTING:
                self.found.append(error("uses-cycle", f"pipelines nest deeper than {MAX_NESTING} levels", place))
                continue
            before = len(self.found)
            if self._file(target, root, above) is not None:
                file.uses[name] = followed[step.uses] = target
            self._relate(before, place)

    def _relate(self, before: int, place: Span) -> None:
        """Say, on findings that spoil a used file as a whole, who uses it."""
        for index in range(before, len(self.found)):
            diagnostic = self.found[index]
            if diagnostic.code == "unsupported-version" and not diagnostic.related:
                told = (Related(place, "used here"),)
                self.found[index] = Diagnostic(
                    diagnostic.severity, diagnostic.code, diagnostic.message, diagnostic.span, diagnostic.help, told
                )

    def _used_file(self, file: File, uses: str, place: Span, root: FilePath) -> FilePath | None:
        target = FilePath(os.path.normpath(file.folder / uses))
        if FilePath(uses).is_absolute() or not inside(root, target):
            message = f'"{uses}" leads out of the project'
            self.found.append(error("uses-escapes", message, place, "copy the step into the project"))
            return None
        # These say no to a name that is too long for any file; Path's own raise.
        if os.path.isdir(target):  # noqa: PTH112
            return self._only_spec(target, uses, place)
        if os.path.isfile(target):  # noqa: PTH113
            return target
        near = nearest(target.name, (entry.name for entry in _entries(target.parent)))
        self.found.append(error("uses-missing", f'there is no file or folder "{uses}"', place, near))
        return None

    def _only_spec(self, folder: FilePath, uses: str, place: Span) -> FilePath | None:
        both = [folder / name for name in ("step.yaml", "pipeline.yaml") if (folder / name).is_file()]
        if len(both) == 2:
            message = f'the folder "{uses}" holds both step.yaml and pipeline.yaml'
            self.found.append(error("uses-ambiguous", message, place, f'name one: "{uses.rstrip("/")}/step.yaml"'))
            return None
        if not both:
            message = f'the folder "{uses}" holds neither step.yaml nor pipeline.yaml'
            others = [entry.name for entry in _entries(folder) if entry.suffix in (".yaml", ".yml")]
            help_ = f'name the file: "{uses.rstrip("/")}/{others[0]}"' if len(others) == 1 else ""
            self.found.append(error("uses-missing", message, place, help_))
            return None
        return both[0]


MAX_REPAIRS = 20
_HEADS: dict[str, dict[str, Any]] = {
    "step": {"specflow": 1, "name": "unnamed"},
    "pipeline": {"specflow": 1, "name": "unnamed"},
    "project": {"specflow": 1},
}
"""What stands in for a missing head, by kind of file, so that the rest of it can be checked."""


def _entries(folder: FilePath) -> list[FilePath]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _reach(spec: FilePath, files: dict[FilePath, File | None]) -> Iterator[tuple[FilePath, File]]:
    """Yield the spec and all files it uses, each once, in the order of first use."""
    seen, queue = {spec}, [spec]
    for path in queue:
        file = files.get(path)
        if file is None:
            continue
        yield path, file
        for target in file.uses.values():
            if target not in seen:
                seen.add(target)
                queue.append(target)


def _kind(document: Document) -> str | Diagnostic:
    data = document.data
    if not isinstance(data, dict):
        return error("wrong-type", "a spec is a mapping of keys to values", document.span(), 'begin with "specflow: 1"')
    bodies = [key for key in ("steps", "run", "notebook") if key in data]
    if "steps" in bodies and len(bodies) > 1:
        place = document.key_span((bodies[1],))
        message = f'the file has both "steps" and "{bodies[1]}": it is a pipeline or a step, not both'
        return error(
            "two-bodies", message, place, "keep one of them", Related(document.key_span(("steps",)), "the other body")
        )
    if bodies:
        return "pipeline" if bodies[0] == "steps" else "step"
    if "profiles" in data and document.file.name == PROJECT_FILE:
        message = f"{PROJECT_FILE} is the project's own file, not a spec"
        return error("no-body", message, document.key_span(("profiles",)), "name a step or pipeline file")
    first = next(iter(data), None)
    place = document.key_span((first,)) if first is not None else document.span()
    close = next((nearest(key, ("steps", "run", "notebook")) for key in data if _looks_like_body(key)), "")
    help_ = close or 'add "steps:" for a pipeline, "run:" for a step'
    return error("no-body", 'the file has no body: neither "steps" nor "run" nor "notebook"', place, help_)


def _looks_like_body(key: str) -> bool:
    return "did you mean" in nearest(key, ("steps", "run", "notebook"))


def _in_lists_whole(path: Path) -> Path:
    """Return the path of the list, if an element of one is to be left out: the others would move up otherwise."""
    return next((path[:index] for index, step in enumerate(path) if isinstance(step, int)), path)


def _without(data: Any, broken: set[Path]) -> Any:
    """Return a copy of the data without what stands at the broken paths."""
    below: dict[Any, set[Path]] = {}
    for path in broken:
        below.setdefault(path[0], set()).add(path[1:])
    if not isinstance(data, dict):
        return data
    return {
        key: _without(value, below[key]) if key in below else value
        for key, value in data.items()
        if () not in below.get(key, ())
    }


def _wider(failure: ValidationError, broken: set[Path]) -> set[Path]:
    """Return what must be left out as well: the holder of something that can't do without what was left out."""
    wider: set[Path] = set()
    for problem in failure.errors(include_url=False, include_context=False, include_input=False):
        location = tuple(problem["loc"])
        holders = [path[:-1] for path in broken if len(path) > 1 and location[: len(path) - 1] == path[:-1]]
        wider |= {max(holders, key=len)} if holders else {path[:-1] for path in broken if len(path) > 1}
    return wider
