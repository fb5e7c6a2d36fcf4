"""What goes wrong on purpose: faults as data, and which of them a request meets."""

from __future__ import annotations

import fnmatch
import random
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from specflow.emulation.messages import Refusal

__all__ = ["Fault", "Faults", "Kind"]

Kind = Literal["latency", "throttle", "error", "unavailable", "expired", "reset"]

_REFUSALS = {
    "throttle": (429, "throttled", "too many requests"),
    "error": (500, "internal", "the service failed"),
    "unavailable": (503, "unavailable", "the service is temporarily unavailable"),
    "expired": (401, "unauthenticated", "the token has expired"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong with some of the requests.

    `latency` waits, `throttle` is 429, `error` 500, `unavailable` 503, `expired` 401, `reset` drops the connection. Of
    the requests whose "METHOD /path" matches `include` and not `exclude`, it strikes every n-th, or else a share of
    them, drawn with a seed.
    """

    kind: Kind
    every: int = 0
    share: float = 0.0
    seed: int = 0
    times: int = 0
    """At most so many strikes; 0: no limit."""
    seconds: float = 0.0
    """How long `latency` waits, or what Retry-After says for `throttle` and `unavailable` (0: no such header)."""
    handled: bool = False
    """The request is carried out first, and only its answer lost."""
    include: str = "*"
    exclude: str = ""

    def refusal(self) -> Refusal:
        """Return what the client is told; not for `latency` and `reset`."""
        status, code, message = _REFUSALS[self.kind]
        headers = {}
        if self.seconds and self.kind in ("throttle", "unavailable"):
            headers["Retry-After"] = f"{self.seconds:g}"
        return Refusal(status, message, code, headers)

    def as_data(self) -> dict[str, Any]:
        """Return the fault as JSON data."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Fault:
        """Return the fault that JSON data describes; raise ValueError for what is not one."""
        known = {field.name: field for field in fields(cls)}
        unknown = sorted(set(data) - set(known))
        if unknown:
            raise ValueError(f'a fault has no "{unknown[0]}"; there are {", ".join(known)}')
        if data.get("kind") not in get_args(Kind):
            raise ValueError(f'"{data.get("kind")}" is no kind of fault; there are {", ".join(get_args(Kind))}')
        for name, value in data.items():
            default = known[name].default
            wanted: tuple[type, ...] = (int, float) if isinstance(default, float) else (type(default),)
            if name != "kind" and (
                not isinstance(value, wanted) or isinstance(value, bool) != isinstance(default, bool)
            ):
                raise ValueError(f'"{name}" of a fault is {wanted[0].__name__}, not {value!r}')
        return cls(**data)


class Faults:
    """The faults in force. Which requests they strike depends on the order of requests and the seeds alone."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        """Begin with these."""
        self._lock = threading.Lock()
        self.set(faults)

    def set(self, faults: Iterable[Fault]) -> None:
        """Put these in the place of all before, their counts at zero."""
        with self._lock:
            self._faults = list(faults)
            self._seen = [0] * len(self._faults)
            self._struck = [0] * len(self._faults)

    def all(self) -> tuple[Fault, ...]:
        """Return the faults in force."""
        with self._lock:
            return tuple(self._faults)

    def strikes(self) -> dict[str, int]:
        """Return how often each kind has struck since it was set."""
        with self._lock:
            counts: dict[str, int] = {}
            for fault, struck in zip(self._faults, self._struck, strict=True):
                counts[fault.kind] = counts.get(fault.kind, 0) + struck
            return counts

    def meet(self, method: str, path: str) -> tuple[float, Fault | None]:
        """Return the seconds that a request has to wait and the one other fault that it meets, if any."""
        words, delay, met = f"{method} {path}", 0.0, None
        with self._lock:
            for number, fault in enumerate(self._faults):
                if not fnmatch.fnmatchcase(words, fault.include) or fnmatch.fnmatchcase(words, fault.exclude):
                    continue
                if fault.kind != "latency" and met is not None:
                    continue
                self._seen[number] += 1
                if not self._is_due(number, fault):
                    continue
                self._struck[number] += 1
                if fault.kind == "latency":
                    delay += fault.seconds
                else:
                    met = fault
        return delay, met

    def _is_due(self, number: int, fault: Fault) -> bool:
        if fault.times and self._struck[number] >= fault.times:
            return False
        if fault.every:
            return self._seen[number] % fault.every == 0
        # A choice, not a secret: it has to be the same for the same seed.
        return random.Random(f"{fault.seed}:{self._seen[number]}").random() < fault.share  # noqa: S311
