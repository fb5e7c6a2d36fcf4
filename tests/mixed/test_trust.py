"""A checked-out project gets no credentials and no secrets: a host of its own sees what reaches it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.local.conftest import Project

TOKEN = "dapi-of-the-user"
PIPELINE = """\
specflow: 1
name: p
steps:
  far: {target: databricks, run: echo hello}
  near: {run: echo hello, after: [far]}
"""


class ForeignHost:
    """A server that the user never heard of, and the Authorization headers that it was sent."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        holder = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                """Note who asks, and refuse."""
                holder.seen.append(self.headers.get("Authorization", ""))
                self.send_response(403)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_POST = do_PUT = do_HEAD = do_GET  # noqa: N815 - the names that http.server calls

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def foreign() -> Iterator[ForeignHost]:
    host = ForeignHost()
    threading.Thread(target=host.server.serve_forever, daemon=True).start()
    yield host
    host.server.shutdown()
    host.server.server_close()


@pytest.fixture
def checked_out(tmp_path: Path, foreign: ForeignHost) -> Project:
    """A project whose profile names the foreign host."""
    project = Project(tmp_path / "project")
    profile = {"profile": "dev", "profiles": {"dev": {"targets": {"databricks": {"host": foreign.url}}}}}
    project.write("specflow.yaml", json.dumps({"specflow": 1, **profile}))
    project.write("p.yaml", PIPELINE)
    return project


def user(tmp_path: Path, **more: str) -> dict[str, str]:
    """Return what a user with a login of their own has around them."""
    return {"HOME": str(tmp_path / "home"), "DATABRICKS_TOKEN": TOKEN, "DATABRICKS_HOST": "https://own.invalid", **more}


def test_a_foreign_host_of_the_project_is_sent_nothing(
    checked_out: Project, foreign: ForeignHost, tmp_path: Path
) -> None:
    done = checked_out.call("run", "p.yaml", "-q", env=user(tmp_path))

    assert 4 == done.returncode
    assert [
        f'error: the project names the workspace "{foreign.url}", and you have no login for it',
        f"  = help: if it is yours, log in with: databricks auth login --host {foreign.url}; "
        f"or say --allow-host {foreign.url}",
    ] == done.stderr.splitlines()[-2:]
    assert [] == foreign.seen


@pytest.mark.parametrize("way", ["flag", "variable", "file"])
def test_a_host_that_the_user_allows_is_sent_the_users_login(
    checked_out: Project, foreign: ForeignHost, tmp_path: Path, way: str
) -> None:
    config = tmp_path / "home/.config/specflow/config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text(f"allow: {{hosts: [{foreign.url if way == 'file' else 'https://other.invalid'}]}}\n")
    flags = ["--allow-host", foreign.url] if way == "flag" else []
    variables = {"SPECFLOW_ALLOW_HOSTS": foreign.url} if way == "variable" else {}
    around = {**user(tmp_path, **variables), "XDG_CONFIG_HOME": "", "DATABRICKS_HOST": ""}
    done = checked_out.call("run", "p.yaml", "-q", *flags, env=around)

    assert 4 == done.returncode
    assert f"Bearer {TOKEN}" in foreign.seen


def test_a_secret_of_the_environment_that_the_user_has_not_allowed_is_not_taken(
    checked_out: Project, foreign: ForeignHost, tmp_path: Path
) -> None:
    checked_out.write(
        "p.yaml",
        """\
        specflow: 1
        name: p
        steps:
          far: {target: databricks, run: echo hello}
          near: {run: "sh -c env", secrets: [DATABRICKS_TOKEN], after: [far]}
        """,
    )
    done = checked_out.call("run", "p.yaml", env=user(tmp_path))

    assert 1 == done.returncode
    assert 'wants the secret "DATABRICKS_TOKEN" from the variable DATABRICKS_TOKEN' in done.stderr + done.stdout
    assert TOKEN not in done.stdout + done.stderr
    assert [] == foreign.seen
