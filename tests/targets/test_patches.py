"""Patches on what a compiler wrote: what they replace is told, and what must stay is refused, everywhere alike."""

from pathlib import Path

import pytest

from specflow.diagnostics import Diagnostic
from specflow.spec.load import Loader
from specflow.stages import make_plan, validate

# Target, patch of a step, and what is told: its code, and the text that it points to.
PATCHES = [
    ("azureml", "{command: reboot}", ("patch-refused", "command")),
    ("azureml", "{type: sweep}", ("patch-refused", "type")),
    ("azureml", "{display_name: other}", ("patch-replaces", "display_name")),
    ("azureml", "{properties: {spoken: aloud}}", None),
    ("databricks", "{task_key: other}", ("patch-refused", "task_key")),
    ("databricks", "{spark_python_task: {python_file: other.py}}", ("patch-refused", "python_file")),
    ("databricks", "{max_retries: 9}", ("patch-replaces", "max_retries")),
    ("databricks", "{description: spoken aloud}", None),
]


def findings(project: Path, target: str, patch: str) -> list[Diagnostic]:
    (project / ".git").mkdir()
    spec = f"specflow: 1\nname: p\nsteps:\n  a:\n    retry: {{attempts: 3}}\n    run: [echo]\n    x-{target}: {patch}\n"
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
