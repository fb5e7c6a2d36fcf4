"""Cases with one value changed: what else might stand where a case says something, and whether a target looks at it.

A change gives a valid spec, like the case's own, where there is one to be found: what is compiled from it then says
whether anybody reads the key.
"""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from specflow.conformance.cases import Case
from specflow.diagnostics import has_errors
from specflow.digests import digest_of_path
from specflow.plan import canonical
from specflow.spec.load import Loader
from specflow.stages import Checked, make_plan, validate
from specflow.targets.base import target_names
from tests.conformance.coverage import Key, keys_in

__all__ = ["AS_PLACED", "GONE", "Change", "ChangedCase", "Sight", "other_values", "sights"]

AS_PLACED = "as placed"
"""Stands for a target: the spec is compiled with each step where it says, not with all of them on a chosen target."""

GONE: Any = object()
"""The value of what is left out."""

ENOUGH, TRIES = 2, 40
"""So many valid values are looked for at each place, among so many candidates at most."""

Address = tuple[str | int, ...]

Sight = Literal["elsewhere", "refused", "invalid", "unseen", "told", "seen"]
"""What came of changing a key on a target, the strongest last.

elsewhere  there was nothing to change that is this target's
refused    the target refuses the case, whatever the key says
invalid    no other value is valid
unseen     nothing came of it
told       what it holds can't be taken away without a finding, or the key not without one being gone
seen       the artifact is another, or the findings are
"""

_STRENGTH: Mapping[Sight, int] = {sight: strength for strength, sight in enumerate(get_args(Sight))}


@dataclass(frozen=True, slots=True)
class Change:
    """Another value in a file of the case, and its place: the key's, and from there on."""

    file: str
    key: Key
    below: Address
    value: Any

    def __str__(self) -> str:
        place = ".".join(str(part) for part in (*self.key.path, *self.below))
        return f"{self.file}: {place}: {'gone' if self.value is GONE else json.dumps(self.value, ensure_ascii=False)}"

    @property
    def named(self) -> frozenset[str]:
        """Return the targets that its place names, or what is gone from there names by itself: it is theirs alone."""
        names = set(target_names())
        parts = {str(part).removeprefix("x-") for part in (*self.key.path, *self.below)}
        held = self.key.value
        for part in self.below:
            held = held[part]
        each = set(held) if self.value is GONE and isinstance(held, dict) and held.keys() <= names else set()
        return frozenset(parts & names | each)


# Other values


def other_values(value: Any, content: Mapping[str, Any], pool: Sequence[str]) -> Iterator[tuple[Address, Any]]:
    """Yield what else might stand there: where below the value, and what. Not everything that is yielded is valid.

    What stands under a key of the language is left to that key. `pool` are texts of the same case: names, files,
    expressions.
    """
    if isinstance(value, dict):
        named = content.get("properties", {})
        for name, item in value.items():
            if name not in named:
                yield (name,), GONE
                yield from _inside(name, item, content.get("additionalProperties"), pool)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield (index,), GONE
            yield from _inside(index, item, content.get("items"), pool)
    else:
        yield from (((), other) for other in _other_scalars(value, content, pool))


def _inside(at: str | int, item: Any, content: Any, pool: Sequence[str]) -> Iterator[tuple[Address, Any]]:
    inner = content if isinstance(content, dict) else {}
    if "$ref" in inner and isinstance(item, dict):
        return  # it has keys of its own
    for below, other in other_values(item, inner, pool):
        yield (at, *below), other


def _other_scalars(value: Any, content: Mapping[str, Any], pool: Sequence[str]) -> Iterator[Any]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield from (value * 16, value + 1, value - 1, value / 2)
    elif isinstance(value, str):
        seen = {value}
        for other in (*content.get("enum", ()), *_other_texts(value), *content.get("examples", ()), *pool):
            is_same_place = str(other).startswith(f"{value}/")  # the file in a folder, say
            if isinstance(other, str) and other not in seen and not is_same_place:
                seen.add(other)
                yield other


def _other_texts(value: str) -> Iterator[str]:
    """Yield texts of the same kind, as far as that can be told from a text."""
    whole = re.fullmatch(r"\$\{\{(.*)\}\}", value, re.DOTALL)
    if whole:
        yield f"${{{{ !({whole[1]}) }}}}"
        return
    if re.fullmatch("[0-9a-f]{64}", value):
        yield value[:-1] + ("0" if value[-1] != "0" else "1")
        return
    for number in re.finditer(r"\d{1,6}", value):
        for other in (int(number[0]) + 1, int(number[0]) * 16):
            yield value[: number.start()] + str(other) + value[number.end() :]
    yield f"{value}x"
    if re.fullmatch(r"[A-Z]\w+/[A-Z]\w+", value):
        yield "Asia/Tokyo"


# Cases


class ChangedCase:
    """A copy of a case, in which one value at a time is another one."""

    def __init__(self, case: Case, folder: Path) -> None:
        """Copy the case into a folder that is not there yet; its documents are then JSON, which is YAML too."""
        self.case, self.folder = case, folder
        shutil.copytree(case.folder, folder, symlinks=True)
        (folder / ".git").mkdir()
        self.documents: dict[str, tuple[str, Any]] = {}
        checked = self._checked()
        assert checked.workspace is not None
        for file in (*checked.workspace.files.values(), checked.workspace.project):
            if file is not None:
                name = file.document.file.relative_to(folder).as_posix()
                self.documents[name] = (file.kind, file.document.data)
                self._write(name, file.document.data)
        self.profile = checked.workspace.profile_name
        self.own = self._checked()
        assert not has_errors(self.own.diagnostics), self.own.diagnostics

    def places(self) -> Mapping[str, Sequence[tuple[str, Key]]]:
        """Return, by word, where the case says each key, and in which file; profiles not in force aside."""
        found = defaultdict(list)
        for name, (kind, data) in self.documents.items():
            for key in keys_in(kind, data):
                if key.path[0] != "profiles" or len(key.path) == 1 or key.path[1] == self.profile:
                    found[key.word].append((name, key))
        return found

    def changes(self, file: str, key: Key) -> Iterator[tuple[Change, Checked]]:
        """Yield changes of a key's value, each with the spec that it gives; where none is valid, that it is gone."""
        tried: Counter[Address] = Counter()
        valid: Counter[Address] = Counter()
        copies = self._copies(file, key.value) if key.word != "steps.uses" else ()  # a copied spec is the same spec
        for below, value in other_values(key.value, key.content, (*copies, *self.pool)):
            if valid[below] < ENOUGH and tried[below] < TRIES:
                change = Change(file, key, below, value)
                checked = self.changed(change)
                tried[below] += 1
                valid[below] += not has_errors(checked.diagnostics)
                yield change, checked
        if not sum(valid.values()):
            gone = Change(file, key, (), GONE)
            yield gone, self.changed(gone)

    def changed(self, change: Change) -> Checked:
        """Return the case with a change."""
        data = copy.deepcopy(self.documents[change.file][1])
        *above, last = (*change.key.path, *change.below)
        holder = data
        for part in above:
            holder = holder[part]
        if change.value is GONE:
            del holder[last]
        else:
            holder[last] = change.value
        self._write(change.file, data)
        try:
            return self._checked()
        finally:
            self._write(change.file, self.documents[change.file][1])

    def _copies(self, file: str, value: Any) -> Iterator[str]:
        """Make another file or folder of the kind that a value names, if it names any, and yield its name."""
        named = (
            (self.folder / file).parent / value if isinstance(value, str) and re.fullmatch(r"[\w./-]+", value) else None
        )
        if named is None or named == self.folder or not named.exists() or named.name.endswith(".whl"):
            return
        copied = named.with_name(f"other_{named.name}")
        if named.is_dir():
            shutil.copytree(named, copied, symlinks=True, dirs_exist_ok=True)
            (copied / "more.txt").write_text("more\n")
        else:
            copied.write_bytes(named.read_bytes() + b"\n")
        yield f"{value.rpartition('/')[0]}/{copied.name}".lstrip("/")

    @cached_property
    def pool(self) -> tuple[str, ...]:
        """Return texts that may stand for each other: targets, and all names, values and files of the case."""
        texts = dict.fromkeys(target_names())
        for _, data in self.documents.values():
            texts.update(dict.fromkeys(_texts(data)))
        files = sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*"))
        return (*texts, *(file for file in files if not file.startswith(".git")))

    def _checked(self) -> Checked:
        return validate(self.folder / self.case.expect.spec, Loader(self.folder, self.case.expect.profile))

    def _write(self, name: str, data: Any) -> None:
        (self.folder / name).write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        yield from data
        yield from (text for value in data.values() for text in _texts(value))
    elif isinstance(data, list):
        yield from (text for item in data for text in _texts(item))
    elif isinstance(data, str):
        yield data


# What comes of them


@dataclass(frozen=True, slots=True)
class _Compiled:
    """What compiling gives on a target: the findings, and what the target gets to see of the spec, if it takes it."""

    told: Counter[tuple[str, str]]
    artifact: bytes | None
    lying: frozenset[str] = frozenset()


def _compiled(checked: Checked, target: str) -> _Compiled:
    plan, found = make_plan(checked, None if target == AS_PLACED else target)
    told = Counter((diagnostic.code, diagnostic.message) for diagnostic in found)
    if plan is None:
        return _Compiled(told, None)
    document = plan.document
    lying = frozenset(step["target"] for step in document["steps"])
    if target in ("local", AS_PLACED):
        sources = {name: digest_of_path(source) for name, source in plan.sources.items()}
        return _Compiled(told, canonical([document, sources]), lying)
    # A platform sees its islands alone. Versions are kept, and outputs brought home, by the host of every run.
    versions = [step["version"] for step in document["steps"]]
    seen = {name: document[name] for name in ("islands", "version", "outputs")}
    return _Compiled(told, canonical(seen | {"versions": versions}), lying)


def sights(case: ChangedCase, words: Iterable[str], targets: Sequence[str]) -> dict[tuple[str, str], Sight]:
    """Return what came of changing each of these keys, at any of its places in the case, on each target."""
    places = case.places()
    own = {target: _compiled(case.own, target) for target in targets}
    found: dict[tuple[str, str], Sight] = {}
    for word in words:
        found |= {(word, target): "elsewhere" for target in targets}
        for change, checked in (one for place in places[word] for one in case.changes(*place)):
            for target in targets:
                if found[word, target] != "seen" and _concerns(change, target, own[target]):
                    sight = _sight(change, checked, target, own[target])
                    found[word, target] = max(found[word, target], sight, key=_STRENGTH.__getitem__)
            if all(found[word, target] == "seen" for target in targets):
                break
        for target in targets:
            if found[word, target] in ("unseen", "refused") and _is_told(case, places[word], target, own[target]):
                found[word, target] = "told"
    return found


def _concerns(change: Change, target: str, own: _Compiled) -> bool:
    return not change.named or bool(change.named & (own.lying if target == AS_PLACED else {target}))


def _sight(change: Change, checked: Checked, target: str, own: _Compiled) -> Sight:
    if has_errors(checked.diagnostics):
        return "told" if change.value is GONE and change.below else "invalid"
    new = _compiled(checked, target)
    if (new.told, new.artifact) != (own.told, own.artifact):
        return "seen"
    if change.value is GONE and not change.below:
        return "elsewhere"  # there was no other value, and this one may be what goes without saying
    return "unseen" if own.artifact is not None else "refused"


def _is_told(case: ChangedCase, places: Iterable[tuple[str, Key]], target: str, own: _Compiled) -> bool:
    """Return whether a finding is gone without the key, or without the key that it stands under."""
    keys = {(file, key.path) for held in case.places().values() for file, key in held}
    for file, key in places:
        for path in (key.path, key.path[:-1]):
            if (file, path) in keys:
                gone = case.changed(Change(file, Key(key.word, path, None, {}), (), GONE))
                if not has_errors(gone.diagnostics) and own.told - _compiled(gone, target).told:
                    return True
    return False
