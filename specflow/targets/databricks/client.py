"""One workspace over HTTP, by databricks-sdk: the only module that names it, and only inside functions.

What goes out is raw JSON, for the SDK's own classes drop what they don't know. Every call is repeated here, within
`patience_s`, when the platform throttles, fails or can't be reached; what the SDK raises becomes one of our errors.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, BinaryIO
from urllib.parse import quote

from specflow import __version__
from specflow.errors import SpecflowError, UnreachableError
from specflow.targets.databricks.login import Login

__all__ = ["Api", "MaybeDoneError", "MissingError", "RefusedError"]

PATIENCE_S = 300.0
"""How long a call is repeated before the platform counts as unreachable."""
_LONGEST_WAIT_S = 8.0


class RefusedError(SpecflowError):
    """The platform did not accept what we asked for."""


class MissingError(RefusedError):
    """What we asked for is not there."""


class MaybeDoneError(Exception):
    """A call that must not be repeated blindly had no answer: it may have been carried out, or not."""


@dataclass(slots=True)
class Api:
    """The calls of one workspace; made without a network, the first call logs in."""

    login: Login
    patience_s: float = PATIENCE_S
    sleep: Callable[[float], None] = time.sleep
    _sdk: Any = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """Return the workspace's address."""
        return self.login.host

    def call(self, method: str, url: str, body: Mapping[str, Any] | None = None, **query: Any) -> dict[str, Any]:
        """Return the answer to a call that may safely be made twice, repeated while the platform can't."""
        found: dict[str, Any] = self._patiently(lambda: self._do(method, url, body, query))
        return found

    def once(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a call that must not be made twice; raise MaybeDoneError if nobody knows its end."""
        found: dict[str, Any] = self._patiently(lambda: self._do(method, path, body, {}), is_repeatable=False)
        return found

    def user(self) -> str:
        """Return who is logged in."""
        return str(self.call("GET", "/api/2.0/preview/scim/v2/Me")["userName"])

    def pages(self, url: str, key: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Yield what all pages of a list hold."""
        token: str | None = ""
        while token is not None:
            more = {"page_token": token} if token else {}
            answer = self.call("GET", url, None, **query, **more)
            yield from answer.get(key, ())
            token = answer.get("next_page_token") or None

    def put_workspace_file(self, path: str, content: bytes) -> None:
        """Write a workspace file; its folder is there already. The way of the vendor's own CLI."""
        url = f"/api/2.0/workspace-files/import-file/{quote(path.lstrip('/'), safe='/')}"
        # None, and not an empty text: the SDK would send that in chunks.
        self._patiently(lambda: self._send("POST", url, content or None, {"overwrite": "true"}))

    def put_volume_file(self, path: str, source: FilePath) -> None:
        """Write a file of a volume; the platform makes the folders above it."""

        def send() -> Any:
            with source.open("rb") as stream:
                data = stream if source.stat().st_size else None
                return self._send("PUT", f"/api/2.0/fs/files{quote(path)}", data, {"overwrite": "true"})

        self._patiently(send)

    def make_volume_folder(self, path: str) -> None:
        """Make a folder of a volume, and those above it."""
        self.call("PUT", f"/api/2.0/fs/directories{quote(path)}")

    def get_volume_file(self, path: str, target: FilePath) -> None:
        """Bring a file of a volume here, whole or not at all."""
        partial = target.with_name(f".{target.name}.partial")

        def receive() -> Any:
            answer = self._raw("GET", f"/api/2.0/fs/files{quote(path)}")
            with contextlib.closing(answer["contents"]) as stream, partial.open("wb") as file:
                while block := stream.read(1 << 20):
                    file.write(block)
            return {}

        try:
            self._patiently(receive)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    def volume_folder(self, path: str) -> list[dict[str, Any]]:
        """Return what a folder of a volume holds: `path`, `name`, `is_directory`."""
        return list(self.pages(f"/api/2.0/fs/directories{quote(path)}", "contents"))

    def _do(self, method: str, path: str, body: Any, query: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self._client().api_client.do(method, path, query=dict(query), body=body)
        return found

    def _send(self, method: str, path: str, data: bytes | BinaryIO | None, query: Mapping[str, str]) -> Any:
        headers = {"Content-Type": "application/octet-stream"}
        return self._client().api_client.do(method, path, query=dict(query), headers=headers, data=data)

    def _raw(self, method: str, path: str) -> Any:
        headers = {"Accept": "application/octet-stream"}
        return self._client().api_client.do(method, path, headers=headers, raw=True)

    def _client(self) -> Any:
        if self._sdk is None:
            self._sdk = self._opened()
        return self._sdk

    def _opened(self) -> Any:
        import logging

        try:
            from databricks.sdk import WorkspaceClient
            from databricks.sdk.core import Config
        except ImportError as failure:
            raise UnreachableError(
                "databricks-sdk is not installed", 'install it with: pip install "specflow[databricks]"'
            ) from failure
        logging.getLogger("databricks.sdk").setLevel(logging.ERROR)
        try:
            config = Config(
                **self.login.words(),
                product="specflow",
                product_version=__version__,
                http_timeout_seconds=60,
                retry_timeout_seconds=1,  # of what the SDK asks while it is made, which no clock of ours reaches
                clock=_OneTry(),
            )
            return WorkspaceClient(config=config)
        except ValueError as failure:  # how the SDK says that it found no way to log in
            raise UnreachableError(
                f'no login for "{self.host}"', f"log in with: databricks auth login --host {self.host}"
            ) from failure

    def _patiently(self, attempt: Callable[[], Any], *, is_repeatable: bool = True) -> Any:
        """Return what an attempt returns; repeat it while its failures pass; raise one of our errors in the end."""
        end, wait = time.monotonic() + self.patience_s, 0.25
        while True:
            try:
                return attempt()
            except SpecflowError:
                raise
            except Exception as failure:
                told = _sorted(failure, self.host)
            if isinstance(told.error, RefusedError) or told.is_final:
                raise told.error from told.cause
            if told.may_be_done and not is_repeatable:
                raise MaybeDoneError from told.cause
            if time.monotonic() >= end:
                raise told.error from told.cause
            self.sleep(told.retry_after if told.retry_after is not None else wait)
            wait = min(2 * wait, _LONGEST_WAIT_S)


class _OneTry(threading.local):
    """The SDK's clock: after its first sleep it is too late for another try, so it makes none of its own.

    Not every call may be made twice, and the SDK repeats all of them. Each thread has a time of its own.
    """

    now = 0.0

    def time(self) -> float:
        """Return the time so far."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let a long time pass at once."""
        self.now += seconds + 1e6


@dataclass(frozen=True, slots=True)
class _Told:
    """What a failure of the SDK means for us."""

    error: SpecflowError
    cause: BaseException
    is_final: bool = False
    may_be_done: bool = True
    retry_after: float | None = None


def _sorted(failure: Exception, host: str) -> _Told:
    """Return what an exception of the SDK means, by its type; raise it again if it is none of the platform's."""
    from databricks.sdk import errors
    from requests import RequestException

    cause: BaseException = failure
    if type(failure) is TimeoutError:  # the SDK gave up
        cause = failure.__cause__ or failure
    later = getattr(cause, "retry_after_secs", None)
    if isinstance(cause, (errors.Unauthenticated, errors.PermissionDenied)):
        message = f"{host} refused us: {_line(cause)}"
        return _Told(UnreachableError(message, "check the login and its rights in the workspace"), cause, is_final=True)
    if isinstance(cause, errors.NotFound):
        return _Told(MissingError(f"databricks: {_line(cause)}"), cause)
    if isinstance(cause, errors.TooManyRequests):
        error = UnreachableError(f"{host} is throttling us", "try again later, or start fewer runs at once")
        return _Told(error, cause, may_be_done=False, retry_after=later)
    passing = (errors.InternalError, errors.TemporarilyUnavailable, errors.DeadlineExceeded)
    if isinstance(cause, passing) or type(cause) is errors.DatabricksError:
        error = UnreachableError(f"{host} can't answer now: {_line(cause)}", "try again later")
        return _Told(error, cause, retry_after=later)
    if isinstance(cause, errors.DatabricksError):
        return _Told(RefusedError(f"databricks refused it: {_line(cause)}"), cause)
    if isinstance(cause, (RequestException, ConnectionError, TimeoutError)):  # and no other OSError: that is ours
        error = UnreachableError(f"{host} does not answer", "check the address and the network")
        return _Told(error, cause, retry_after=later)
    raise cause


def _line(failure: BaseException) -> str:
    """Return the platform's own words, in one line; the SDK appends the configuration behind a line of its own."""
    text = str(failure).partition(" Config: ")[0]
    return " ".join(text.split())[:500]
