"""What a run shows while it lasts, where there is no terminal."""

from pathlib import Path

import pytest

from specflow.cli.progress import display


def test_an_attempt_that_is_tried_again_tells_the_last_line_of_its_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "fetch.1.log"
    log.write_text("connecting\nthe server is busy\n\n")
    event = {"event": "attempt_failed", "step": "fetch", "reason": "exit code 2", "retry_in": 30.0, "log": str(log)}

    display("text", quiet=False)(event)

    assert "  ↻ fetch: exit code 2; again in 30 s\n    │ the server is busy\n" == capsys.readouterr().err
