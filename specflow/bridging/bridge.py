"""Bridges: a host's side of an island elsewhere: each submits it once, follows it, and brings back what is wanted.

A bridge runs in a thread of its own and tells what happens as plain events; whoever coordinates the pipeline decides.
The key under which it submits is in the history before it begins: one that was killed at any moment, and started again
with the same key, finds its own job.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from specflow.bridging.follow import JobEnded, Looked, Pace, StepEnded, StepStarted, StepWrote, follow
from specflow.bridging.platforms import Platforms
from specflow.bridging.relayed import ThroughBridges
from specflow.digests import digest_of_path
from specflow.errors import SpecflowError, UnreachableError
from specflow.targets.base import Client
from specflow.targets.local.foreign import Errand

__all__ = ["Bridge", "Bridges"]

Event = dict[str, Any]


@dataclass(slots=True)
class Bridge:
    """One island's bridge; events are taken from it with `take`."""

    errand: Errand
    connect: Callable[[], Client]
    pace: Pace
    wake_host: Callable[[], None]
    events: queue.SimpleQueue[Event] = field(default_factory=queue.SimpleQueue)
    woken: threading.Event = field(default_factory=threading.Event)
    is_cancelled: bool = False
    job: str | None = None
    has_asked: bool = False
    is_left: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """Begin, in a thread that does not keep the process alive."""
        threading.Thread(target=self._run, name=f"bridge-{self.errand.job.name}", daemon=True).start()

    def cancel(self) -> None:
        """Have the platform end the job; what becomes of it is still told."""
        self.is_cancelled = True
        self.woken.set()

    def leave(self) -> None:
        """Tell nothing any more, and leave the job to its platform."""
        with self.lock:
            self.is_left = True
        self.woken.set()

    def take(self) -> list[Event]:
        """Return what has happened since the last call."""
        found = []
        while not self.events.empty():
            found.append(self.events.get())
        return found

    def _tell(self, event: str, **more: Any) -> None:
        with self.lock:  # whoever has left this bridge may be gone by now, and can't be woken
            if not self.is_left:
                self.events.put({"event": event, **more})
                self.wake_host()

    def _run(self) -> None:
        for wait_s in self.walk():
            self.woken.wait(wait_s)
            self.woken.clear()

    def walk(self) -> Iterator[float]:
        """Yield how many seconds to wait before each next look; what happens meanwhile is told."""
        try:
            client = self.connect()
            try:
                yield from self._cross(client)
            finally:
                client.close()
        except Exception as failure:  # a thread's traceback would reach nobody who could end the run
            self._tell("broken", error=failure)

    def _cross(self, client: Client) -> Iterator[float]:
        errand = self.errand
        if self.is_cancelled:
            self._tell("ended", state="cancelled", steps={}, message="", url="", registered={})
            return
        self.job = errand.known or client.find(errand.job.key, errand.job.name)
        if self.job is None:
            self.job = client.submit(errand.job)
        elif errand.again and not client.resume(self.job, errand.again):
            raise UnreachableError(f'the job "{self.job}" can\'t go on', "run the pipeline anew")
        self._tell("submitted", job=self.job, url=client.status(self.job).url)
        for event in follow(client, self.job, errand.steps, self.pace):
            if self.is_left:
                return
            self._heed_cancel(client)
            if isinstance(event, Looked):
                yield event.wait_s
                self._heed_cancel(client)
            else:
                self._relay(client, event)

    def _heed_cancel(self, client: Client) -> None:
        if self.is_cancelled and not self.has_asked and self.job is not None:
            self.has_asked = True
            client.cancel(self.job)

    def _relay(self, client: Client, event: object) -> None:
        if isinstance(event, StepStarted):
            self._tell("step_started", step=event.step, attempt=event.attempt, url=event.url)
        elif isinstance(event, StepWrote):
            self._tell("step_wrote", step=event.step, text=event.text)
        elif isinstance(event, StepEnded):
            is_good = event.record is not None and event.record["state"] in ("succeeded", "cached")
            is_good = is_good and event.status.state != "failed"
            named = self._named(client, event) if is_good else {}
            found = self._fetched(client, event, named) if is_good else {}
            self._tell(
                "step_ended",
                step=event.step,
                status=event.status,
                record=event.record,
                text=event.text,
                fetched=found,
                named=named,
            )
        elif isinstance(event, JobEnded):
            status = event.status
            self._tell(
                "ended",
                state=status.state,
                steps=status.steps,
                message=status.message,
                url=status.url,
                registered=status.registered,
            )

    def _named(self, client: Client, event: StepEnded) -> dict[str, dict[str, str]]:
        """Return by port how the targets that read an output name its place in the exchange store; none outside it."""
        record, exchange = event.record, self.errand.exchange
        assert record is not None
        assert self.job is not None
        found: dict[str, dict[str, str]] = {}
        ports = {port: tuple(targets) for port, targets in self.errand.crossing.get(event.step, {}).items()}
        for port in self.errand.wanted.get(event.step, ()):
            ports[port] = (*ports.get(port, ()), "local")
        for port, targets in ports.items():
            if port not in record["outputs"] or not exchange.has(self.errand.target):
                continue
            address = client.address(self.job, event.step, port, record)
            names = {target: exchange.name(address, self.errand.target, target) for target in targets}
            found[port] = {target: name for target, name in names.items() if name is not None}
        return found

    def _fetched(self, client: Client, event: StepEnded, named: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        """Return the outputs of a step that are needed on this machine, by port, now that they are here.

        Those that steps here read, and those that another platform can't reach by itself.
        """
        record = event.record
        assert record is not None
        assert self.job is not None
        found = {}
        crossing = self.errand.crossing.get(event.step, {})
        unreached = [port for port, targets in crossing.items() if set(targets) - set(named.get(port, {}))]
        for port in dict.fromkeys((*self.errand.wanted.get(event.step, ()), *unreached)):
            if port not in record["outputs"]:
                continue
            folder = self.errand.outputs / event.step / port
            if "local" in named.get(port, {}):
                found[port] = _under_its_name(named[port]["local"], record["outputs"][port]["name"], folder)
            else:
                folder.mkdir(parents=True, exist_ok=True)
                found[port] = str(client.fetch(self.job, event.step, port, record, folder))
            _check(FilePath(found[port]), record["outputs"][port], f"{event.step}.{port}")
        return found


def _under_its_name(path: str, name: str, folder: FilePath) -> str:
    """Return a path that ends in the name which its maker gave an output; in the store it may have another."""
    if FilePath(path).name == name:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / FilePath(name).name
    link.unlink(missing_ok=True)
    link.symlink_to(path)
    return str(link)


def _check(path: FilePath, left: Mapping[str, Any], name: str) -> None:
    """Raise SpecflowError unless an output that has come from a platform is what its maker had recorded."""
    wanted = left.get("sha256")
    if not wanted:
        return
    if not path.exists():
        raise SpecflowError(f'the output "{name}" has not arrived: there is nothing at "{path}"')
    found = digest_of_path(path)
    if found != wanted:
        raise SpecflowError(f'the output "{name}" is not what it was: its SHA-256 is {found}, not {wanted}')


class Bridges(Platforms):
    """The bridges of one run, and the platforms that they lead to."""

    def open(self, errand: Errand, wake: Callable[[], None]) -> Bridge:
        """Return the bridge for an errand, not yet started."""
        pace = Pace(0.05, 0.5) if self.is_emulated(errand.settings) else Pace()
        bridges = errand.job.native.get("bridges")

        def connect() -> Client:
            client = self.connect(errand.target, errand.settings)
            return ThroughBridges(client, bridges) if bridges else client

        return Bridge(errand, connect, pace, wake)
