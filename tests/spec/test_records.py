"""Records say every place that does not fit, hold what was given, and can't be changed."""

from __future__ import annotations

from typing import Any

import pytest

from specflow.spec.records import MisfitError, Record, field, items, mapping, number, required, text


class Wheel(Record):
    size: int = required(number(int, least=1))
    colour: str = field(text(r"[a-z]+"), "black")


class Car(Record):
    name: str = required(text(least=1), key="called")
    wheels: tuple[Wheel, ...] = field(items(Wheel.read), ())
    parts: dict[str, str] = field(mapping(text(r"[a-z]"), text(least=1)))

    def check(self) -> None:
        if self.name == "bicycle" and len(self.wheels) != 2:
            raise MisfitError


@pytest.mark.parametrize(
    ("data", "places"),
    [
        (None, [()]),
        ({}, [("called",)]),
        ({"called": "", "wheels": 3}, [("called",), ("wheels",)]),
        ({"called": "a", "colour": "red"}, [("colour",)]),
        ({"called": "a", "wheels": None}, [("wheels",)]),
        ({"called": "a", "wheels": [{"size": 1}, {"size": 0}, {"colour": "1"}]}, None),
        ({"called": "a", "parts": {"a": "", "AB": "x", "c": "y"}}, [("parts", "AB"), ("parts", "a")]),
        ({"called": "a", "wheels": [{"size": True}]}, [("wheels", 0, "size")]),
        ({"called": "bicycle"}, [()]),
    ],
)
def test_every_place_that_does_not_fit_is_told(data: Any, places: list[tuple[Any, ...]] | None) -> None:
    if places is None:
        places = [("wheels", 1, "size"), ("wheels", 2, "colour"), ("wheels", 2, "size")]

    with pytest.raises(MisfitError) as misfit:
        Car.read(data)

    assert sorted(places, key=str) == sorted(misfit.value.paths, key=str)


def test_what_was_given_is_told_from_what_is_a_default() -> None:
    wheel = Wheel.read({"size": 2})

    assert ({"size"}, "black") == (set(wheel.given), wheel.colour)
    assert wheel == Wheel(size=2, colour="black")
    assert wheel != Wheel(size=3)


def test_a_record_can_not_be_changed() -> None:
    with pytest.raises(AttributeError, match="Wheel is frozen"):
        Wheel(size=1).size = 2
