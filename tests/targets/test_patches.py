"""Patches on what a compiler wrote: what they replace is told, and what must stay is refused, everywhere alike."""

from pathlib import Path
from typing import Any

import pytest

from specflow.diagnostics import Diagnostic, Span
from specflow.spec.load import Loader
from specflow.stages import make_plan, validate
from specflow.targets.patches import merged, patch_findings

# RFC 7396, appendix A, and what is told to be replaced.
MERGES: list[tuple[Any, Any, Any, list[str]]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}, ["a"]),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}, []),
    ({"a": "b"}, {"a": None}, {}, ["a"]),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}, ["a"]),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}, ["a"]),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}, ["a"]),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}, ["a.b"]),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}, ["a"]),
    ({"a": "foo"}, {"a": {"b": 1}}, {"a": {"b": 1}}, ["a"]),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}, []),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}, []),
    ({"a": 1}, {"a": 1}, {"a": 1}, []),
]

# Target, patch of a step, and what is told: its code, and the text that it points to.
PATCHES = [
    ("azureml", "{command: reboot}", ("patch-refused", "command")),
    ("azureml", "{type: sweep}", ("patch-refused", "type")),
    ("azureml", "{display_name: other}", ("patch-refused", "display_name")),
    ("azureml", "{limits: {timeout: 7}}", ("patch-replaces", "timeout")),
    ("azureml", "{properties: {spoken: aloud}}", None),
    ("databricks", "{task_key: other}", ("patch-refused", "task_key")),
    ("databricks", "{spark_python_task: {python_file: other.py}}", ("patch-refused", "python_file")),
    ("databricks", "{max_retries: 9}", ("patch-replaces", "max_retries")),
    ("databricks", "{description: spoken aloud}", None),
]


def findings(project: Path, target: str, patch: str) -> list[Diagnostic]:
    (project / ".git").mkdir()
    more = "retry: {attempts: 3}, timeout: 1h, run: [echo]"
    spec = f"specflow: 1\nname: p\nsteps:\n  a: {{{more},\n    x-{target}: {patch}}}\n"
    (project / "pipeline.yaml").write_text(spec)
    _, found = make_plan(validate(project / "pipeline.yaml", Loader(project)), target)
    return [one for one in found if one.code != "approximated"]


@pytest.mark.parametrize(("target", "patch", "told"), PATCHES)
def test_what_a_patch_replaces_is_told_and_what_must_stay_is_refused(
    target: str, patch: str, told: tuple[str, str] | None, tmp_path: Path
) -> None:
    found = findings(tmp_path, target, patch)

    lines = (tmp_path / "pipeline.yaml").read_text().splitlines()
    seen = [(one.code, lines[one.span.line - 1][one.span.column - 1 :].split(":")[0]) for one in found]
    assert ([told] if told else []) == seen
    assert ["error" if told and told[0] == "patch-refused" else "warning"] * len(found) == [
        one.severity for one in found
    ]


@pytest.mark.parametrize(("document", "patch", "expected", "replaced"), MERGES)
def test_a_patch_is_merged_and_what_it_replaces_is_known(
    document: Any, patch: Any, expected: Any, replaced: list[str]
) -> None:
    told = patch_findings(document, patch, (), lambda keys: Span(".".join(keys)))

    assert expected == merged(document, patch)
    assert replaced == [one.span.file for one in told]


@pytest.mark.parametrize("patch", ["{jobs: {a: null}}", "{type: command}"])
def test_a_patch_of_the_whole_job_on_azure_ml_leaves_its_type_and_its_steps(patch: str, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    spec = f"specflow: 1\nname: p\nx-azureml: {patch}\nsteps:\n  a: {{run: [echo]}}\n"
    (tmp_path / "pipeline.yaml").write_text(spec)

    _, found = make_plan(validate(tmp_path / "pipeline.yaml", Loader(tmp_path)), "azureml")

    assert ["patch-refused"] == [one.code for one in found]
