"""Where clients of platforms come from: the place that a profile names, or an emulator that stands in for it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from itertools import count
from pathlib import Path as FilePath
from types import TracebackType
from typing import Any, TypeVar

from specflow.emulation import HeldError, Standing, is_held, offer, standing
from specflow.errors import SpecflowError, UnreachableError
from specflow.targets.base import Client, Platform, RunningEmulator, is_platform, target, target_names

__all__ = ["Platforms", "platform", "platform_names"]

P = TypeVar("P", bound="Platforms")


class Platforms:
    """The platforms of one command, and the emulators started for it; a context that ends these.

    An emulator that `specflow emulate` serves below the same root is used as it is. Of one that another command has
    started for itself nothing is known beyond that command's end.
    """

    def __init__(
        self,
        root: FilePath,
        *,
        emulates: bool = False,
        secrets: Mapping[str, str] | None = None,
        may_start_another: bool = False,
    ) -> None:
        """Keep emulators below `root`; with `emulates` every platform is one. They hold `secrets` as these would.

        `may_start_another` is for what needs nothing of an emulator's past: a run, while another run has the first.
        """
        self.root, self.emulates, self.secrets = root, emulates, secrets or {}
        self.may_start_another = may_start_another
        self.emulators: dict[str, RunningEmulator] = {}
        self.offered: set[str] = set()
        self.lock = threading.Lock()

    def __enter__(self: P) -> P:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for emulator in self.emulators.values():
            emulator.stop()

    def is_emulated(self, settings: Mapping[str, Any]) -> bool:
        """Return whether an emulator stands in for a platform with these settings."""
        return self.emulates or bool(settings.get("emulate"))

    def settings(self, name: str, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return how a client reaches a platform; its emulator is started for the first that asks."""
        if not self.is_emulated(settings):
            return settings
        around = {each: self._neighbour(each, its) for each, its in settings.get("neighbours", {}).items()}
        near = {each: where for each, where in around.items() if where}
        known = {**settings, "secrets": self.secrets, "neighbours": near}
        with self.lock:
            emulator: Any = self.emulators.get(name)
            if emulator is None:
                emulator = self.emulators[name] = self._emulator(name, known)
                emulator.start()
            elif near:  # it was started as somebody's neighbour, and now has some itself
                emulator.adopt(known)
        return {**settings, **self.emulators[name].settings}

    def _neighbour(self, name: str, settings: Mapping[str, Any]) -> Mapping[str, str] | None:
        """Return where bridges find the emulator of another platform, which is started; None for a real one."""
        if not self.is_emulated(settings):
            return None
        self.settings(name, settings)
        emulator: Any = self.emulators[name]
        if isinstance(emulator, Standing):
            return {"url": emulator.url, "token": emulator.token}
        if name not in self.offered:
            offer(emulator, emulator.emulator.server)
            self.offered.add(name)
        return {"url": emulator.emulator.server.url, "token": emulator.emulator.server.token}

    def connect(self, name: str, settings: Mapping[str, Any]) -> Client:
        """Return a client for a platform, or for its emulator."""
        return platform(name).client(self.settings(name, settings))

    def _emulator(self, name: str, settings: Mapping[str, Any]) -> RunningEmulator:
        root = self.root / name
        served = standing(root, settings)
        if served is not None:
            return served
        for number in count(2):
            try:
                if not is_held(root):
                    return platform(name).emulator(root, settings)
            except HeldError:  # somebody was faster
                pass
            if not self.may_start_another:
                message = f'another command has started the emulator of "{name}" in "{root}" for itself'
                raise UnreachableError(message, f"wait for it, or serve one to all: specflow emulate {name}")
            root = self.root / f"{name}-{number}"
        raise AssertionError


def platform(name: str) -> Platform:
    """Return a target that is elsewhere; raise SpecflowError for one that isn't."""
    which = target(name)
    if not is_platform(which):
        raise SpecflowError(f'"{name}" is no platform elsewhere', f"there are {', '.join(platform_names())}")
    return which


def platform_names() -> tuple[str, ...]:
    """Return the names of the installed targets that are elsewhere."""
    return tuple(name for name in target_names() if is_platform(target(name)))
