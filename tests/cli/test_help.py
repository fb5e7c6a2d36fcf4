"""What is answered without click is what click would have answered."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from specflow.cli.group import cli
from specflow.cli.help import help_text


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 140])
def test_the_help_is_that_of_click(columns: int) -> None:
    told = CliRunner().invoke(cli, ["--help"], prog_name="specflow", terminal_width=max(min(columns, 100) - 2, 50))

    assert told.output.rstrip("\n") == help_text(columns).rstrip("\n")
