"""Plans in columns: the same comes back, whatever the steps look like."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from specflow.recall.packing import pack, unpack

VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-1, 1) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
STEPS = st.lists(st.dictionaries(st.sampled_from(["id", "attempt", "code"]), VALUES, max_size=3), max_size=12)


@given(STEPS)
def test_what_was_packed_and_written_comes_back(steps: list[dict[str, Any]]) -> None:
    document = {"name": "p", "steps": steps}

    back = unpack(json.loads(json.dumps(pack(document))))

    assert json.dumps(document, sort_keys=True) == json.dumps(back, sort_keys=True)


def test_what_is_alike_is_written_once() -> None:
    steps = [
        {"id": f"s{index}", "attempt": {"command": ["a long command"] * 20, "step": f"s{index}"}}
        for index in range(100)
    ]

    packed = json.dumps(pack({"steps": steps}))

    assert 20 == packed.count("a long command")
