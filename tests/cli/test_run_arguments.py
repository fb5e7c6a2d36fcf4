"""What `specflow run` says when its words don't name something that can be run."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from specflow.cli.run import command
from specflow.errors import UsageError


@pytest.mark.parametrize(
    ("holds", "help_"),
    [
        ("step.yaml", "name the spec: part/step.yaml"),
        ("pipeline.yaml", "name the spec: part/pipeline.yaml"),
        ("notes.txt", "name a spec, or a folder that `specflow compile` wrote"),
    ],
)
def test_a_folder_that_is_no_plan_is_refused_with_the_spec_it_holds(
    holds: str, help_: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / holds).touch()

    failure = CliRunner().invoke(command, ["part"]).exception

    assert isinstance(failure, UsageError)
    assert ('"part" is a folder without a plan.json', help_) == (failure.message, failure.help)


def test_too_little_of_a_digest_is_told_as_that(tmp_path: Path) -> None:
    failure = CliRunner().invoke(command, [str(tmp_path), "--expect", "1234567"]).exception

    assert isinstance(failure, UsageError)
    assert '"1234567" is too little of a digest to pin a plan' == failure.message
    assert "give 8 of its digits or more" == failure.help
