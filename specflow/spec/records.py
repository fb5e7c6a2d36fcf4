"""Frozen records that are read from plain data, and the shapes that values are read by.

A shape is a function: it returns what a value becomes, or raises MisfitError. A record holds what was given; what was
not is its class's default. There are libraries for this; they take longer to import than most runs to be done.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, KeysView, Mapping
from typing import Any, ClassVar, NamedTuple, NoReturn, TypeVar

__all__ = [
    "Field",
    "MisfitError",
    "Record",
    "Shape",
    "any_mapping",
    "by_type",
    "field",
    "items",
    "mapping",
    "number",
    "one_of",
    "required",
    "text",
]

Shape = Callable[[Any], Any]
Path = tuple[str | int, ...]
R = TypeVar("R", bound="Record")


class MisfitError(ValueError):
    """Data that a record or shape does not take; `paths` say where, from the data that was given."""

    def __init__(self, paths: Iterable[Path] = ((),)) -> None:
        """Keep the places; the value itself is the place where nothing is said."""
        super().__init__("the data does not fit")
        self.paths = tuple(paths)

    def below(self, key: str | int) -> list[Path]:
        """Return the places as its holder sees them."""
        return [(key, *path) for path in self.paths]


# Shapes


def text(pattern: str = "", *, least: int = 0, most: int | None = None) -> Shape:
    """Return the shape of a text that a pattern matches as a whole, with a least and a most length."""
    fits = re.compile(pattern).fullmatch if pattern else None

    def read(value: Any) -> str:
        if type(value) is not str or len(value) < least or (most is not None and len(value) > most):
            raise MisfitError
        if fits is not None and fits(value) is None:
            raise MisfitError
        return value

    return read


def one_of(*choices: Any) -> Shape:
    """Return the shape of a value that is one of some, of the same type."""
    taken = {(type(choice), choice) for choice in choices}

    def read(value: Any) -> Any:
        if type(value) in (str, int, bool) and (type(value), value) in taken:
            return value
        raise MisfitError

    return read


def number(*types: type, least: float | None = None, most: float | None = None) -> Shape:
    """Return the shape of a number of one of some types, within bounds; true is not a number."""

    def read(value: Any) -> Any:
        if type(value) not in types or (least is not None and value < least) or (most is not None and value > most):
            raise MisfitError
        return value

    return read


def by_type(shapes: Mapping[type, Shape | None]) -> Shape:
    """Return the shape of a value that may be of several types; None takes every value of one."""

    def read(value: Any) -> Any:
        kind = type(value)
        if kind not in shapes:
            raise MisfitError
        shape = shapes[kind]
        return value if shape is None else shape(value)

    return read


def items(shape: Shape, *, least: int = 0, is_unique: bool = False) -> Shape:
    """Return the shape of a list, read as a tuple."""

    def read(value: Any) -> tuple[Any, ...]:
        if type(value) not in (list, tuple):
            raise MisfitError
        try:
            found = tuple([shape(item) for item in value])
        except MisfitError:
            raise MisfitError(_places(enumerate(value), shape)) from None
        if len(found) < least or (is_unique and len(set(found)) != len(found)):
            raise MisfitError
        return found

    return read


def mapping(key: Shape, shape: Shape, *, least: int = 0) -> Shape:
    """Return the shape of a mapping."""

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping) or len(value) < least:
            raise MisfitError
        try:
            return {key(name): shape(item) for name, item in value.items()}
        except MisfitError:
            places = [(name,) for name in value if _misfits(key, name)]
            raise MisfitError([*places, *_places(value.items(), shape)]) from None

    return read


def any_mapping(value: Any) -> dict[str, Any]:
    """Return a mapping, whatever it holds."""
    if not isinstance(value, dict):
        raise MisfitError
    return value


def _places(pairs: Iterable[tuple[str | int, Any]], shape: Shape) -> list[Path]:
    """Return where values misfit: slow, and for what is wrong only."""
    return [(key, *path) for key, value in pairs for path in _misfits(shape, value)]


def _misfits(shape: Shape, value: Any) -> tuple[Path, ...]:
    try:
        shape(value)
    except MisfitError as misfit:
        return misfit.paths
    return ()


# Records


class Field(NamedTuple):
    """One field of a record: under which key it is given, how it is read, and what it is where it isn't given."""

    name: str
    key: str
    shape: Shape
    default: Any
    is_required: bool


class _Declared(NamedTuple):
    shape: Shape
    key: str
    default: Any
    is_required: bool


def required(shape: Shape, *, key: str = "") -> Any:
    """Declare a field that has to be given; `key` is said where it differs from the field's name."""
    return _Declared(shape, key, None, True)


def field(shape: Shape, default: Any = None, *, key: str = "") -> Any:
    """Declare a field with a default."""
    return _Declared(shape, key, default, False)


class Record:
    """Frozen, strict about types, closed to unknown keys; a key that is given has a value.

    `noted` is no part of it: rules that many ask keep there what they have worked out of it.
    """

    __slots__ = ("__dict__", "noted")
    noted: dict[str, Any]

    fields: ClassVar[Mapping[str, Field]] = {}
    """By key."""
    extension: ClassVar[Callable[[str], bool] | None] = None
    """Tells the keys of patches, which are gathered under `extensions`."""

    def __init_subclass__(cls) -> None:
        """Gather the declared fields, those of the classes above first."""
        fields = dict(cls.fields)
        for name, declared in list(vars(cls).items()):
            if isinstance(declared, _Declared):
                key = declared.key or name
                fields[key] = Field(name, key, declared.shape, declared.default, declared.is_required)
                setattr(cls, name, declared.default)
        cls.fields = fields
        cls._required = tuple(key for key, each in fields.items() if each.is_required)

    _required: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **given: Any) -> None:
        """Read the record from keys; raise MisfitError for what does not fit."""
        self._fill(given)

    @classmethod
    def read(cls: type[R], data: Any) -> R:
        """Return the record that plain data holds; raise MisfitError with every place that does not fit."""
        if not isinstance(data, dict):
            raise MisfitError
        record = cls.__new__(cls)
        record._fill(data)
        return record

    def _fill(self, data: Mapping[str, Any]) -> None:
        values: dict[str, Any] = {}
        wrong: list[Path] = []
        fields, is_extension = self.fields, type(self).extension
        for key, value in data.items():
            declared = fields.get(key)
            try:
                if declared is not None and value is not None:
                    values[declared.name] = declared.shape(value)
                elif is_extension is not None and is_extension(key):
                    values.setdefault("extensions", {})[key] = any_mapping(value)
                else:
                    raise MisfitError
            except MisfitError as misfit:
                wrong += misfit.below(key)
        wrong += [(key,) for key in self._required if key not in data]
        if wrong:
            raise MisfitError(wrong)
        object.__setattr__(self, "noted", {})
        self.__dict__.update(values)
        self.check()

    def check(self) -> None:
        """Raise MisfitError for fields that do not go together."""

    @property
    def given(self) -> KeysView[str]:
        """Return the names of the fields that were given."""
        return self.__dict__.keys()

    def plain(self) -> dict[str, Any]:
        """Return all fields by their names, defaults included."""
        return {each.name: getattr(self, each.name) for each in self.fields.values()}

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, Record) and self.plain() == other.plain()

    def __hash__(self) -> int:
        return hash(type(self))  # what is given may differ between equals

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({told})"
