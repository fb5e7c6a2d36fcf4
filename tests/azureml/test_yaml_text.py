"""What is written is read back as it was, and it looks written by hand."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from specflow.targets.azureml.yaml_text import Folded, yaml_text

ODD = [
    "yes",
    "NO",
    "on",
    "y",
    "~",
    "null",
    "012",
    "1:30",
    "1e3",
    "0x1f",
    "2024-01-01",
    ".5",
    ".inf",
    "..",
    "./x",
    "#",
    "x:",
    "<<",
    "=",
    "[a]",
    "{a}",
    "!x",
    "&a",
    "*a",
    "%x",
    "@x",
    "`x",
    "a,b",
]
ODD += ["a: b", "a #b", "- x", "? a", "| x", "> x", "${{parent.inputs.x}}", "$(reboot)", '"', "'", " lead", "trail "]
ODD += ["a\nb", "\ttab", "\u2028", "\ufeff", "\x85"]
TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=12) | st.sampled_from(ODD)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.just("type"), inner, max_size=3)
)


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_what_is_written_is_read_back(document: dict[str, Any]) -> None:
    assert document == (yaml.safe_load(yaml_text(document)) or {})


def test_it_reads_as_if_somebody_had_written_it() -> None:
    document = {
        "type": "pipeline",
        "tags": {"team": "materials", "sure": "yes"},
        "jobs": {
            "train": {
                "command": Folded(["python launch.py step.json", '--output fitted="${{outputs.fitted}}"']),
                "inputs": {"train": "${{parent.jobs.prepare.outputs.train}}", "seed": 7, "rate": 1e-7},
                "outputs": {"fitted": {"type": "custom_model"}, "record": {"type": "uri_folder"}},
                "files": ["a", "b c"],
                "nothing": {},
            }
        },
    }

    expected = """\
type: pipeline
tags:
  team: materials
  sure: "yes"
jobs:
  train:
    command: >-
      python launch.py step.json
      --output fitted="${{outputs.fitted}}"
    inputs:
      train: ${{parent.jobs.prepare.outputs.train}}
      seed: 7
      rate: 1.0e-07
    outputs:
      fitted: {type: custom_model}
      record: {type: uri_folder}
    files:
      - a
      - b c
    nothing: {}
"""
    assert expected == yaml_text(document)
    assert (
        'python launch.py step.json --output fitted="${{outputs.fitted}}"'
        == (yaml.safe_load(yaml_text(document))["jobs"]["train"]["command"])
    )
