"""The server that emulators share, over real sockets."""

from __future__ import annotations

import http.client
import json
import socket
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from specflow.emulation import Fault, Refusal, Request, Response, Routes, Server, as_json, is_held
from specflow.emulation.log import Entry, RequestLog
from specflow.errors import UsageError


def shape(refusal: Refusal) -> Response:
    return as_json({"error": refusal.code, "message": refusal.message}, refusal.status)


def routes(seen: list[Request] | None = None) -> Routes:
    found = Routes()
    found.add("GET", "/open", lambda _: as_json({"open": True}), is_open=True)
    found.add("GET", "/items/{name}", lambda request: as_json(dict(request.params)))
    found.add("PUT", "/files/{path...}", lambda request: as_json([request.params["path"], len(request.body)]))

    @found.on("POST", "/count")
    def count(request: Request) -> Response:
        if seen is not None:
            seen.append(request)
        return as_json(request.json())

    @found.on("GET", "/bug")
    def bug(request: Request) -> Response:
        raise KeyError("secret")

    return found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(routes(), shape, root=tmp_path / "root") as running:
        yield running


def ask(
    server: Server, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        given = {"Authorization": f"Bearer {server.token}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        connection.request(method, path, body, {name: value for name, value in given.items() if value})
        answer = connection.getresponse()
        raw = answer.read()
        return answer.status, json.loads(raw) if raw else None, answer.headers
    finally:
        connection.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com", ""])
def test_an_address_that_others_could_reach_is_refused(host: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="an emulator does not listen on"):
        Server(routes(), shape, root=tmp_path, host=host)


def test_the_token_is_in_a_file_of_its_owner_and_the_same_after_a_restart(server: Server, tmp_path: Path) -> None:
    server.stop()
    again = Server(routes(), shape, root=tmp_path / "root")
    again.stop()

    assert stat.S_IMODE(server.token_file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "root").stat().st_mode) == 0o700
    assert (tmp_path / "root/token").read_text().strip() == server.token == again.token
    assert len(server.token) >= 40


def test_a_root_has_one_emulator_until_that_has_stopped(server: Server, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        Server(routes(), shape, root=tmp_path / "root")
    was_held = is_held(tmp_path / "root")
    server.stop()
    is_held_still = is_held(tmp_path / "root")
    Server(routes(), shape, root=tmp_path / "root").stop()

    assert f'an emulator is at work in "{tmp_path / "root"}" already' == refused.value.message
    assert (True, False) == (was_held, is_held_still)


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604])
def test_a_token_file_that_others_can_read_is_refused(mode: int, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("x" * 43)
    (tmp_path / "token").chmod(mode)

    with pytest.raises(UsageError, match="others can read or change the token file"):
        Server(routes(), shape, root=tmp_path)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": ""}, 401, "unauthenticated"),
        ({"Authorization": "Bearer wrong"}, 401, "unauthenticated"),
        ({"Authorization": "Basic eDp5"}, 401, "unauthenticated"),
        ({"Host": "evil.example"}, 421, "wrong-host"),
        ({"Host": "127.0.0.1:1"}, 421, "wrong-host"),
        ({"Host": "127.0.0.1"}, 421, "wrong-host"),
    ],
)
def test_a_stranger_is_refused(server: Server, headers: dict[str, str], status: int, code: str) -> None:
    answer = ask(server, "GET", "/items/a", **headers)

    assert (status, code) == (answer[0], answer[1]["error"])


def test_only_a_route_that_says_so_is_open(server: Server) -> None:
    answers = [ask(server, "GET", path, Authorization="")[0] for path in ("/open", "/items/a", "/_emulator/requests")]

    assert [200, 401, 401] == answers


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/items/a%2Fb", (200, {"name": "a/b"})),
        ("GET", "/items/a/b", (404, {"error": "not-found", "message": "no API found for GET /items/a/b"})),
        ("DELETE", "/open", (405, {"error": "method-not-allowed", "message": "DELETE is not answered at /open"})),
        ("GET", "/bug", (500, {"error": "internal", "message": "the emulator has a bug: KeyError"})),
    ],
)
def test_paths_are_matched_encoded_and_captured_decoded(
    server: Server, method: str, path: str, expected: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert expected == ask(server, method, path)[:2]


def test_a_chunked_body_is_read_whole_and_the_connection_kept(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    headers = {"Authorization": f"Bearer {server.token}", "Transfer-Encoding": "chunked"}
    found = []
    for _ in range(3):
        parts = iter([b"a" * 70_000, b"b", b"c" * 5])
        connection.request("PUT", "/files/x/y%20z", parts, headers, encode_chunked=True)
        found.append(json.loads(connection.getresponse().read()))
        mine = connection.sock
    kept = connection.sock is mine
    connection.close()

    assert [["x/y z", 70_006]] * 3 == found
    assert kept


def test_what_is_not_http_or_json_is_refused_in_the_vendors_shape(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
        raw.sendall(b"NONSENSE\r\n\r\n")
        answer = raw.recv(65_536)

    assert b'{"error": "bad-request"' in answer
    assert (400, "bad-request") == (lambda a: (a[0], a[1]["error"]))(ask(server, "POST", "/count", b"{"))
    assert (400, "bad-request") == (lambda a: (a[0], a[1]["error"]))(ask(server, "POST", "/count", b'{"a": NaN}'))


@pytest.mark.parametrize(
    ("kind", "status", "retry"),
    [("throttle", 429, "2"), ("error", 500, None), ("unavailable", 503, "2"), ("expired", 401, None)],
)
def test_every_third_request_meets_its_fault(server: Server, kind: Any, status: int, retry: str | None) -> None:
    server.faults.set([Fault(kind, every=3, seconds=2, include="GET /items/*")])
    answers = [ask(server, "GET", "/items/a") for _ in range(6)]

    assert [200, 200, status, 200, 200, status] == [answer[0] for answer in answers]
    assert retry == answers[2][2]["Retry-After"]


def test_a_seed_chooses_the_same_requests_again(server: Server) -> None:
    def statuses(seed: int) -> list[int]:
        server.faults.set([Fault("error", share=0.4, seed=seed)])
        return [ask(server, "GET", "/items/a")[0] for _ in range(30)]

    first = statuses(1)

    assert first == statuses(1)
    assert first != statuses(2)
    assert 4 <= first.count(500) <= 20


@pytest.mark.parametrize(("handled", "reached"), [(False, 0), (True, 1)])
def test_a_reset_drops_the_connection_before_or_after_the_work(handled: bool, reached: int, tmp_path: Path) -> None:
    seen: list[Request] = []
    with Server(
        routes(seen), shape, root=tmp_path, faults=[Fault("reset", every=1, times=1, handled=handled)]
    ) as server:
        with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
            ask(server, "POST", "/count", b"{}")
        before = len(seen)
        after = ask(server, "POST", "/count", b"{}")[0]

    assert (reached, 200) == (before, after)


def test_faults_are_set_over_the_wire_and_spare_the_control_routes(server: Server) -> None:
    bad = ask(server, "PUT", "/_emulator/faults", json.dumps([{"kind": "error", "evry": 1}]))
    ask(server, "PUT", "/_emulator/faults", json.dumps([{"kind": "error", "every": 1}]))
    struck = ask(server, "GET", "/items/a")[0]
    listed = ask(server, "GET", "/_emulator/faults")[1]
    ask(server, "DELETE", "/_emulator/faults")

    assert 400 == bad[0]
    assert bad[1]["message"].startswith('a fault has no "evry"; there are kind, every')
    assert 500 == struck
    assert [("error", 1)] == [(fault["kind"], fault["every"]) for fault in listed]
    assert 200 == ask(server, "GET", "/items/a")[0]


def test_the_log_holds_no_token_no_body_and_no_query(server: Server, tmp_path: Path) -> None:
    ask(server, "POST", "/count?sig=hidden", b'{"password": "hidden"}', User_Agent="client/1")
    entries = ask(server, "GET", "/_emulator/requests")[1]
    server.stop()
    text = (tmp_path / "root/requests.log").read_text()

    assert [("POST", "/count", 200, "client/1")] == [
        (entry["method"], entry["path"], entry["status"], entry["user_agent"]) for entry in entries
    ]
    assert "hidden" not in text
    assert server.token not in text


def test_who_has_an_answer_finds_its_request_in_the_log(server: Server, tmp_path: Path) -> None:
    class SlowLog(RequestLog):
        def add(self, entry: Entry) -> None:
            time.sleep(0.1)
            super().add(entry)

    server.log.close()
    server.log = SlowLog(tmp_path / "slow.log")
    ask(server, "GET", "/items/a")

    assert ["/items/a"] == [entry.path for entry in server.log.entries()]


def test_a_stop_lets_the_request_under_way_end(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()
    found = Routes()

    @found.on("GET", "/slow")
    def slow(request: Request) -> Response:
        begun.set()
        go_on.wait(5)
        return as_json("done")

    server = Server(found, shape, root=tmp_path)
    server.start()
    answers: list[Any] = []
    client = threading.Thread(target=lambda: answers.append(ask(server, "GET", "/slow")[:2]))
    client.start()
    begun.wait(5)
    stopper = threading.Thread(target=server.stop)
    stopper.start()
    go_on.set()
    client.join(5)
    stopper.join(5)

    assert [(200, "done")] == answers
    with pytest.raises(ConnectionRefusedError):
        ask(server, "GET", "/open")


def test_half_a_body_is_not_carried_out(tmp_path: Path) -> None:
    seen: list[Request] = []
    with Server(routes(seen), shape, root=tmp_path) as server:
        head = f"POST /count HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {server.token}\r\n"
        for rest in ("Content-Length: 10\r\n\r\n{}", "Transfer-Encoding: chunked\r\n\r\n9\r\n{}"):
            with socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
                raw.sendall((head + rest).encode())
                raw.shutdown(socket.SHUT_WR)

                assert b"" == raw.recv(1)

    assert [] == seen
