"""What is wrong with a document's structure, in our words: schemas/*.json read by jsonschema, its errors translated.

Only documents that their model refuses come here, so a valid spec never pays for importing jsonschema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path as FilePath
from typing import Any

from specflow.diagnostics import Diagnostic, Related, Span, error
from specflow.spec.source import Document, Path
from specflow.spec.types import closest, nearest

__all__ = ["KINDS", "StructureFault", "schema", "structure_faults", "understood", "validator"]

KINDS = ("step", "pipeline", "project")


@cache
def schema(kind: str) -> dict[str, Any]:
    """Return a schema as JSON: of a `step`, `pipeline` or `project` file, or `common` to them."""
    packaged = FilePath(__file__).parents[1] / "schemas"
    folder = packaged if packaged.is_dir() else packaged.parent.parent / "schemas"
    loaded: dict[str, Any] = json.loads((folder / f"{kind}.schema.json").read_text(encoding="utf-8"))
    return loaded


@cache
def validator(kind: str) -> Any:
    """Return what validates documents by a schema: draft 7, but for how numbers and patterns are read in YAML's world.

    `1.0` is no integer. `$` in a pattern is the end of the text, as in ECMAScript; Python's `re` would let a line end
    follow.
    """
    import jsonschema
    from referencing import Registry, Resource

    common = Resource.from_contents(schema("common"))
    registry = Registry().with_resource("common.schema.json", common)
    types = jsonschema.Draft7Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    rules = {"pattern": _pattern, "patternProperties": _pattern_properties, "additionalProperties": _more_properties}
    extend: Any = jsonschema.validators.extend
    return extend(jsonschema.Draft7Validator, rules, type_checker=types)(schema(kind), registry=registry)


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"{pattern.removesuffix('$')}\Z" if pattern.endswith("$") else pattern)


def _pattern(validator: Any, pattern: str, value: Any, _: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if validator.is_type(value, "string") and not _regex(pattern).search(value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Mapping[str, Any], value: Any, _: Any) -> Iterator[Any]:
    if validator.is_type(value, "object"):
        for pattern, subschema in patterns.items():
            for key in value:
                if _regex(pattern).search(key):
                    yield from validator.descend(value[key], subschema, path=key, schema_path=pattern)


def _more_properties(validator: Any, more: Any, value: Any, subschema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if not validator.is_type(value, "object"):
        return
    known = subschema.get("properties", {})
    others = [key for key in value if key not in known and not _is_extension(key, subschema)]
    if isinstance(more, dict):
        for key in others:
            yield from validator.descend(value[key], more, path=key)
    elif not more and others:
        yield ValidationError(f"{others} are not keys here")


@dataclass(frozen=True, slots=True)
class StructureFault:
    """One thing wrong with a document's structure."""

    diagnostic: Diagnostic
    path: Path
    """What to leave out, so that the rest can be checked."""
    meant: str = ""
    """The key that a misspelt one is taken for."""
    reason: str = ""
    """Why a key is refused; others of its mapping that are refused for the same reason are told with it."""
    is_consequence: bool = False
    """Another fault tells of it."""


MAX_ROUNDS = 20


def understood(document: Document, kind: str) -> tuple[Document, tuple[StructureFault, ...]]:
    """Return what is wrong with a document as a step, pipeline or project file, and the document as it was meant.

    A misspelt key is a fault, and read as what it is taken for: nothing that hangs on it is a fault too.
    """
    told: list[StructureFault] = []
    for _ in range(MAX_ROUNDS):
        faults = structure_faults(document, kind)
        misspelt = [fault for fault in faults if fault.meant]
        if not misspelt:
            break
        told += misspelt
        for fault in sorted(misspelt, key=lambda fault: len(fault.path), reverse=True):
            document = document.renamed(fault.path, fault.meant)
    guessed = {(*fault.path[:-1], fault.meant) for fault in told}
    rest = (replace(fault, is_consequence=True) if fault.path in guessed else fault for fault in faults)
    return document, (*told, *(fault for fault in rest if not fault.meant))


def structure_faults(document: Document, kind: str) -> tuple[StructureFault, ...]:
    """Return what is wrong with a document's structure, read to the letter.

    What hangs on a value of the wrong type is not judged.
    """
    errors = sorted(validator(kind).iter_errors(document.data), key=lambda e: (len(e.absolute_path), _rank(e)))
    wrong_types = {tuple(e.absolute_path) for e in errors if e.validator in ("type", "enum", "const")}
    found: dict[Path, StructureFault] = {}
    for failure in errors:
        path = tuple(failure.absolute_path)
        if failure.validator == "not" and {(*path[:-1], "type")} & (wrong_types | document.broken):
            continue
        for fault in _translate(document, failure, path):
            above = {fault.path[:length] for length in range(1, len(fault.path) + 1)}
            if not above & (found.keys() | document.broken):
                found[fault.path] = fault
    return tuple(_causes(document, tuple(found.values())))


def _causes(document: Document, faults: tuple[StructureFault, ...]) -> Iterator[StructureFault]:
    """Yield the faults, with those that are another one's consequence marked, and told by that one.

    What is missing where an unknown key stands is told with that key: it may be that key, misspelt beyond recognition.
    Keys of one mapping that are refused for one reason are told together.
    """
    missing = {fault.path[:-1]: fault.diagnostic for fault in faults if fault.diagnostic.code == "missing-key"}
    unknown = {fault.path[:-1] for fault in faults if fault.diagnostic.code == "unknown-key" and not fault.meant}
    doubtful = unknown | document.incomplete | {f.path[:-1] for f in faults if f.diagnostic.code == "two-bodies"}
    alike: dict[tuple[Path, str], list[StructureFault]] = {}
    for fault in faults:
        alike.setdefault((fault.path[:-1], fault.reason), []).append(fault)
    for fault in faults:
        told, holder = fault.diagnostic, fault.path[:-1]
        if told.code in ("missing-key", "key-not-allowed") and holder in doubtful:
            yield replace(fault, is_consequence=True)
        elif not fault.reason:
            yield fault
        else:
            first, *others = alike[holder, fault.reason]
            related = tuple(Related(other.diagnostic.span, f'also "{other.path[-1]}"') for other in others)
            if told.code == "unknown-key" and holder in missing:
                told = replace(told, help=f"{told.help}; {missing[holder].message}")
            yield replace(fault, diagnostic=replace(told, related=related), is_consequence=fault is not first)


def _rank(failure: Any) -> int:
    return {"type": 0, "const": 1, "enum": 1, "not": 2}.get(str(failure.validator), 3)


def _translate(document: Document, failure: Any, path: Path) -> Iterator[StructureFault]:
    rule, wanted, subschema = failure.validator, failure.validator_value, failure.schema
    value = failure.instance
    if rule == "additionalProperties":
        yield from _unknown_keys(document, subschema, value, path)
    elif rule == "required":
        yield _missing_keys(document, subschema, wanted, value, path)
    elif "propertyNames" in failure.absolute_schema_path:
        where = (*path, value)
        meant = _name_like(value) if subschema.get("x-code") == "bad-name" else ""
        meant = "" if document.has((*path, meant)) else meant
        yield StructureFault(_bad_value(document.key_span(where), value, rule, wanted, subschema), where, meant)
    elif rule == "not":
        why = subschema["x-why"]
        message = f'key "{path[-1]}" is not allowed here: {why}'
        told = error(subschema.get("x-code", "key-not-allowed"), message, document.key_span(path), "leave it out")
        yield StructureFault(told, path, reason=why)
    elif rule == "type":
        # Entries of one mapping that are all of the wrong type stand in the wrong mapping.
        is_entry = "additionalProperties" in tuple(failure.absolute_schema_path)[-3:]
        reason = _choices(wanted) if is_entry and value is not None else ""
        yield StructureFault(_wrong_type(document, path, wanted, value), path, reason=reason)
    else:
        yield StructureFault(_bad_value(document.span(path), value, rule, wanted, subschema), path)


def _unknown_keys(document: Document, subschema: Any, value: Any, path: Path) -> Iterator[StructureFault]:
    known = subschema.get("properties", {})
    taken = set(value)
    for key in value:
        if key in known or _is_extension(key, subschema):
            continue
        where = (*path, key)
        holder = f' in "{path[-1]}"' if path else ""
        message = f'unknown key "{key}"{holder}'
        meant = closest(key, known) or ""
        told = error("unknown-key", message, document.key_span(where), nearest(key, known))
        meant = "" if meant in taken else meant
        yield StructureFault(told, where, meant, reason="" if meant else "unknown")
        taken.add(meant)


def _is_extension(key: str, subschema: Any) -> bool:
    return any(_regex(pattern).search(key) for pattern in subschema.get("patternProperties", {}))


def _missing_keys(document: Document, subschema: Any, wanted: list[str], value: Any, path: Path) -> StructureFault:
    holder = f'"{path[-1]}"' if path else "the file"
    place = document.key_span(path) if path else _first_line(document)
    missing = [key for key in wanted if key not in value]
    where = (*path, missing[0])
    if subschema.get("x-code") == "no-body":
        message = f'{holder} has no body: neither "run" nor "notebook"'
        return StructureFault(error("no-body", message, place, 'add "run: …"'), where)
    message = f"{holder} has no " + " and no ".join(f'"{key}"' for key in missing)
    help_ = "add " + " and ".join(f'"{key}: {"1" if key == "specflow" else "…"}"' for key in missing)
    return StructureFault(error("missing-key", message, place, help_), where)


def _first_line(document: Document) -> Span:
    span = document.span()
    if span.end_line == span.line:
        return span
    length = len(document.text.split("\n")[span.line - 1])
    return Span(span.file, span.line, span.column, span.line, length + 1)


_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}


def _choices(wanted: Any) -> str:
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    return " or ".join(_TYPES[name] for name in names if not (name == "integer" and "number" in names))


def _wrong_type(document: Document, path: Path, wanted: Any, value: Any) -> Diagnostic:
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    choices = _choices(wanted)
    what = f'"{_label(path)}"' if path else "a spec"
    place = document.span(path)
    if value is None:
        return error(
            "wrong-type",
            f"{what} has no value; it takes {choices}",
            document.key_span(path),
            "leave it out" if isinstance(path[-1], int) else "give it one, or leave the key out",
        )
    help_ = ""
    if "string" in names and isinstance(value, (int, float, bool)):
        help_ = _as_text(document.text_at(path), path)
    return error("wrong-type", f"{what} takes {choices}, not {_kind(value)}", place, help_)


def _as_text(text: str, path: Path) -> str:
    """Return the way out for a number where a text is wanted: quotes, but not for what they would not mend."""
    examples = {"timeout": f"{text}s", "delay": f"{text}s", "memory": f"{text}GiB", "version": f"v{text}"}
    meant = examples.get(str(path[-1])) if path and text.replace(".", "").isdigit() else None
    return f"write {meant}, say" if meant else f'quote it: "{text}"'


def _label(path: Path) -> str:
    label = ""
    for step in path[-2:] if isinstance(path[-1], int) else path[-1:]:
        label += f"[{step}]" if isinstance(step, int) else str(step)
    return label


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"the number {value}"
    return "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else "text"


def _bad_value(place: Span, value: Any, rule: str, wanted: Any, subschema: Any) -> Diagnostic:
    code = subschema.get("x-code", "bad-value")
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    if len(shown) > 80:
        shown = f'{shown[:76]}…"'
    if rule == "enum":
        what = subschema.get("x-hint", "one of the choices here")
        return error(code, f"{shown} is not {what}", place, nearest(str(value), map(str, wanted)))
    if "x-hint" in subschema:
        return error(code, f"{shown} is not {subschema['x-hint']}", place, _suggest_name(code, value))
    message = {
        "minLength": "a text is missing here",
        "minItems": "the list is empty",
        "minProperties": "the mapping is empty",
        "uniqueItems": "an element is given twice",
        "minimum": f"{shown} is less than {wanted}, the least that it may be",
        "maximum": f"{shown} is more than {wanted}, the most that it may be",
    }.get(rule, f"{shown} does not fit here")
    return error(code, message, place)


def _suggest_name(code: str, value: Any) -> str:
    name = _name_like(value) if code == "bad-name" and isinstance(value, str) else ""
    return f'did you mean "{name}"?' if name and name != value else ""


def _name_like(text: str) -> str:
    """Return the name that is nearest to a text, or names joined by dots; nothing where a letter must begin one."""
    names = []
    for part in text.lower().split("."):
        words = re.split(r"[\s_/-]+", part)
        kept = (re.sub(r"[^a-z0-9]", "", word) for word in words)
        names.append("_".join(word for word in kept if word)[:63].strip("_"))
    return ".".join(names) if all(name and name[0].isalpha() for name in names) else ""
