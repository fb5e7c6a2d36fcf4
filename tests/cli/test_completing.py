"""What a shell offers: names of options, and the values that they take here."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Here

PROFILES = "specflow: 1\nprofiles:\n  dev: {}\n  prod: {}\n"


def offered(words: list[str], begun: str) -> set[str]:
    from click.shell_completion import ShellComplete

    from specflow.cli.group import cli

    return {one.value for one in ShellComplete(cli, {}, "specflow", "_SPECFLOW_COMPLETE").get_completions(words, begun)}


@pytest.mark.parametrize(
    ("words", "begun", "expected"),
    [
        (["plan", "--target"], "data", {"databricks"}),
        (["deploy", "--target"], "", {"azureml", "databricks", "local"}),
        (["doctor", "--profile"], "", {"dev", "prod"}),
        (["run", "--profile"], "p", {"prod"}),
        (["run"], "--det", {"--detach"}),
        (["plan"], "--dep", {"--deployed"}),
    ],
)
def test_values_and_options_are_offered(here: Here, words: list[str], begun: str, expected: set[str]) -> None:
    here.write("specflow.yaml", PROFILES)

    assert expected <= offered(words, begun)
    assert not {value for value in offered(words, begun) if not value.startswith(begun)}


def test_a_project_file_that_is_wrong_offers_nothing(here: Here) -> None:
    here.write("specflow.yaml", "profiles: [")

    assert offered(["doctor", "--profile"], "") == set()
