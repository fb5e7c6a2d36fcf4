"""Method and path to handler."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from specflow.emulation.messages import Refusal, Request, Response

__all__ = ["Handler", "Route", "Routes"]

Handler = Callable[[Request], Response]
_HOLE = re.compile(r"\{(\w+)(\.\.\.)?\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One pattern of paths and who answers it; `is_open` if no token is asked for."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler
    is_open: bool


class Routes:
    """The paths that an emulator answers, the first match in the order of adding."""

    def __init__(self, *, ignore_case: bool = False) -> None:
        """Begin with no routes; `ignore_case` for a platform whose paths don't mind (Azure's don't)."""
        self._flags = re.IGNORECASE if ignore_case else 0
        self._exact: dict[tuple[str, str], Route] = {}
        self._routes: list[Route] = []

    def add(self, method: str, path: str, handler: Handler, *, is_open: bool = False) -> None:
        """Answer a method and path; `{name}` captures one segment, `{name...}` everything that follows, slashes too."""
        route = Route(method, re.compile(self._expression(path), self._flags), handler, is_open)
        if "{" in path or self._flags:
            self._routes.append(route)
        else:
            self._exact[method, path] = route

    def on(self, method: str, path: str, *, is_open: bool = False) -> Callable[[Handler], Handler]:
        """Return a decorator that adds a handler."""

        def decorate(handler: Handler) -> Handler:
            self.add(method, path, handler, is_open=is_open)
            return handler

        return decorate

    def paths(self) -> list[tuple[str, str]]:
        """Return the method and path of each route that captures nothing."""
        return list(self._exact)

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """Return the route of an encoded path and what it captured, decoded; refuse a path that nobody answers."""
        exact = self._exact.get((method, path))
        if exact is not None:
            return exact, {}
        others = {known for known, found in self._exact if found == path}
        for route in self._routes:
            match = route.pattern.fullmatch(path)
            if match is None:
                continue
            if route.method == method:
                return route, {name: unquote(value) for name, value in match.groupdict().items()}
            others.add(route.method)
        if others:
            raise Refusal(
                405, f"{method} is not answered at {path}", "method-not-allowed", {"Allow": ", ".join(others)}
            )
        raise Refusal(404, f"no API found for {method} {path}", "not-found")

    @staticmethod
    def _expression(path: str) -> str:
        parts, end = [], 0
        for hole in _HOLE.finditer(path):
            parts.append(re.escape(path[end : hole.start()]))
            parts.append(f"(?P<{hole[1]}>{'.*' if hole[2] else '[^/]+'})")
            end = hole.end()
        return "".join(parts) + re.escape(path[end:])
