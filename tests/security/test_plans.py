"""A plan that was tampered with is refused, whatever of it was changed; one that was reviewed can be pinned."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specflow.errors import PlanError
from specflow.plan import canonical, digest_of, load_plan, save_plan
from specflow.spec.load import Loader
from specflow.stages import make_plan, validate

SPEC = """\
specflow: 1
name: p
data: {d: {type: folder, location: data}}
steps:
  a: {code: tool, run: [python, main.py, "${{ data.d }}"]}
  b: {target: databricks, code: tool, run: [python, main.py]}
"""


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    for name, text in {"tool/main.py": "print(1)\n", "data/below/t.csv": "1\n", "pipeline.yaml": SPEC}.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    (project / ".git").mkdir()
    made, found = make_plan(validate(project / "pipeline.yaml", Loader(project)), None)
    assert made is not None, found
    save_plan(made, tmp_path / "plan")
    return tmp_path / "plan"


def document(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def apply(plan: Path) -> None:
        found = json.loads((plan / "plan.json").read_text())
        change(found)
        (plan / "plan.json").write_text(json.dumps(found))

    return apply


def one(plan: Path, pattern: str) -> Path:
    return next(path for path in sorted(plan.glob(pattern)) if path.is_file())


def linked(path: Path) -> None:
    aside = path.parent.parent / "aside"
    path.rename(aside)
    path.symlink_to(aside)


def with_its_entry(pattern: str) -> Callable[[Path], None]:
    """Change a file and what the list says of it: the list is not what a reviewer's digest stands for."""

    def apply(plan: Path) -> None:
        file = one(plan, pattern)
        file.write_text("print(2)\n")
        entry = {file.relative_to(plan).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()}
        document(lambda found: found["files"].update(entry))(plan)

    return apply


def more_of_an_artifact(plan: Path) -> None:
    home = json.loads((plan / "plan.json").read_text())["islands"][0]["folder"]
    (plan / home / "more").write_text("")
    entry = {f"{home}/more": hashlib.sha256(b"").hexdigest()}
    document(lambda found: found["files"].update(entry))(plan)


CHANGES: dict[str, Callable[[Path], Any]] = {
    "a byte of code": lambda plan: one(plan, "code/*/main.py").write_text("print(2)\n"),
    "a byte of data": lambda plan: one(plan, "data/*/data/below/t.csv").write_text("2\n"),
    "a byte of an artifact": lambda plan: one(plan, "databricks/**/main.py").write_text("print(2)\n"),
    "a file that was not there": lambda plan: (one(plan, "code/*/main.py").parent / "json.py").write_text(
        "import os\n"
    ),
    "a file less": lambda plan: one(plan, "code/*/main.py").unlink(),
    "a file beside": lambda plan: (plan / "more").write_text(""),
    "a folder that became a link": lambda plan: linked(one(plan, "data/*/data/below/t.csv").parent),
    "a link to a folder": lambda plan: (one(plan, "data/*/data/below/t.csv").parent / "x").symlink_to("/"),
    "a link to nothing": lambda plan: (plan / "x").symlink_to("/no/such/thing"),
    "a file that became a link": lambda plan: linked(one(plan, "code/*/main.py")),
    "a command": document(lambda found: found["steps"][0]["attempt"]["command"].append(["value", "x"])),
    "a digest in the list": document(lambda found: found["files"].update({min(found["files"]): "0" * 64})),
    "the list": document(lambda found: found["files"].pop(min(found["files"]))),
    "code, and its entry": with_its_entry("code/*/main.py"),
    "an artifact, and its entry": with_its_entry("databricks/**/main.py"),
    "an artifact's file more, and its entry": more_of_an_artifact,
    "no list": document(lambda found: found.update(files=None)),
    "no steps": document(lambda found: found.update(steps=None)),
    "a step that is a number": document(lambda found: found.update(steps=[5])),
    "islands that are a number": document(lambda found: found.update(islands=3)),
    "no digest": document(lambda found: found.pop("digest")),
    "too deep": lambda plan: (plan / "plan.json").write_text("[" * 100_000),
    "an unknown key": document(lambda found: found.update(more=1)),
    "an unknown key of a step": document(lambda found: found["steps"][0].update(more=1)),
    "an unknown key of an island": document(lambda found: found["islands"][0].update(more=1)),
    "a key less": document(lambda found: found.pop("secrets")),
    "another version": document(lambda found: found.update(plan=2)),
    "no JSON": lambda plan: (plan / "plan.json").write_text("{"),
    "no mapping": lambda plan: (plan / "plan.json").write_text("[]"),
    "not UTF-8": lambda plan: (plan / "plan.json").write_bytes(b"\xff"),
    "no plan.json": lambda plan: (plan / "plan.json").unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_plan_that_was_changed_is_refused(change: str, plan: Path) -> None:
    CHANGES[change](plan)

    with pytest.raises(PlanError) as caught:
        load_plan(plan)

    assert caught.value.message


def test_a_plan_that_was_moved_is_the_same(plan: Path, tmp_path: Path) -> None:
    shutil.copytree(plan, tmp_path / "else where")

    assert load_plan(plan).document == load_plan(tmp_path / "else where").document


@pytest.mark.parametrize("pin", ["", "0" * 64, "0" * 8, "short"])
def test_a_plan_is_refused_that_is_not_the_one_that_was_reviewed(pin: str, plan: Path) -> None:
    with pytest.raises(PlanError):
        load_plan(plan, pin)


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | NAMES
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4))


@given(st.dictionaries(NAMES, TREES, max_size=5) | TREES)
def test_a_digest_is_that_of_the_whole_text(content: Any) -> None:
    assert hashlib.sha256(canonical(content)).hexdigest() == digest_of(content)


def test_the_reviewed_plan_is_pinned_by_eight_digits(plan: Path) -> None:
    digest = load_plan(plan).document["digest"]

    assert digest == load_plan(plan, digest[:8]).document["digest"]
