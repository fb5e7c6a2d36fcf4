"""An emulator that one process serves as the stand-in for another's platform: `specflow emulate` here, `run` there."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any, Protocol

from specflow.emulation.hold import address, announce
from specflow.emulation.messages import Request, Response, as_json
from specflow.emulation.server import Server
from specflow.emulation.token import kept_token
from specflow.errors import UnreachableError

__all__ = ["Served", "Standing", "offer", "serve", "standing"]

_ROUTE = "/_emulator/stand-in"
_PROVIDE = {"provide": _ROUTE}
"""What stands in JSON for the function among the settings by which a client has the emulator make what a job names."""


class Served(Protocol):
    """A platform's stand-in in the process that serves it."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Return what a client needs to reach it."""
        ...

    def adopt(self, settings: Mapping[str, Any]) -> None:
        """Take what of a profile's settings concerns the emulator: the exchange store, secrets."""
        ...

    def provide(self, wanted: Mapping[str, Any]) -> None:
        """Make what a job names."""
        ...


def serve(root: FilePath, served: Served, server: Server) -> None:
    """Let other commands of this machine's user find a stand-in that has been started, and use it."""
    offer(served, server)
    announce(root, server.url)


def offer(served: Served, server: Server) -> None:
    """Let other processes use a stand-in that know its address and its token."""

    def reach(request: Request) -> Response:
        del request
        return as_json(_without_functions(served.settings))

    def provide(request: Request) -> Response:
        body = request.json()
        if body["settings"] is not None:
            served.adopt(body["settings"])
        if body["wanted"] is not None:
            served.provide(body["wanted"])
        return as_json({})

    server.routes.add("GET", _ROUTE, reach)
    server.routes.add("PUT", _ROUTE, provide)


def standing(root: FilePath, settings: Mapping[str, Any]) -> Standing | None:
    """Return the stand-in that another process serves from a root, for a profile's settings; None if there is none."""
    url = address(root)
    return None if url is None else Standing(url, kept_token(root / "token"), settings)


class Standing:
    """A stand-in that another process serves. It is there before this command and after it."""

    def __init__(self, url: str, token: str, given: Mapping[str, Any] | None) -> None:
        """Remember where it is; nothing is asked yet. Without `given` it stays as it was set up."""
        self.url, self.token, self.given = url, token, given
        self.settings: Mapping[str, Any] = {}

    def start(self) -> None:
        """Hand it the profile's settings, and ask it how clients reach it."""
        self._ask("PUT", {"settings": self.given, "wanted": None})
        self.ask()

    def ask(self) -> None:
        """Ask it how clients reach it."""
        self.settings = self._with_function(self._ask("GET"))

    def adopt(self, settings: Mapping[str, Any]) -> None:
        """Hand it other settings of the profile."""
        self.given = settings
        self._ask("PUT", {"settings": settings, "wanted": None})

    def stop(self) -> None:
        """Leave it as it is."""

    def provide(self, wanted: Mapping[str, Any]) -> None:
        """Have it make what a job names."""
        self._ask("PUT", {"settings": self.given, "wanted": wanted})

    def _with_function(self, value: Any) -> Any:
        if value == _PROVIDE:
            return self.provide
        return {key: self._with_function(item) for key, item in value.items()} if isinstance(value, dict) else value

    def _ask(self, method: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{_ROUTE}", data, headers, method=method)  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return json.load(answer)
        except OSError as failure:
            raise UnreachableError(f"the emulator on {self.url} does not answer", "start it again") from failure


def _without_functions(value: Any) -> Any:
    if callable(value):
        return _PROVIDE
    return {key: _without_functions(item) for key, item in value.items()} if isinstance(value, Mapping) else value
