"""Whether what a profile names is there and works: extras, logins, workspaces, computes, the store from each side."""

from __future__ import annotations

import contextlib
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath

from specflow.bridging.platforms import Platforms
from specflow.environments.installers import find_uv
from specflow.errors import SpecflowError
from specflow.exchange import Exchange
from specflow.operations.extras import installed, needed, what_brings_them
from specflow.spec.model import Profile
from specflow.targets.base import MARK, Check, Wanted, is_examining, target

__all__ = ["Examined", "diagnose", "exit_code"]


@dataclass(frozen=True, slots=True)
class Examined:
    """One target, and what was found of it."""

    target: str
    checks: tuple[Check, ...]


def diagnose(profile: Profile, names: tuple[str, ...], platforms: Platforms, root: FilePath) -> Iterator[Examined]:
    """Yield what is found of this machine and of each target, one after the other."""
    with _marked(Exchange(profile.store, root)) as (mark, here):
        yield Examined("local", (*_machine(), *here))
        for name in names:
            yield Examined(name, tuple(_platform(name, profile, platforms, mark, root)))


def exit_code(found: tuple[Examined, ...]) -> int:
    """Return 4 if a platform could not be asked, 1 if anything else is wrong, 0 if nothing is."""
    failed = [check for examined in found for check in examined.checks if check.state == "failed"]
    return 4 if any(check.is_unreachable for check in failed) else 1 if failed else 0


def _machine() -> Iterator[Check]:
    yield Check("python", "well", ".".join(map(str, sys.version_info[:3])))
    if find_uv() is not None:
        yield Check("uv", "well", "environments are made with it")
    else:
        yield Check("uv", "left out", "not there: environments are made with pip, and of this Python alone")


@contextlib.contextmanager
def _marked(store: Exchange) -> Iterator[tuple[str, tuple[Check, ...]]]:
    """Yield what was written into the store's folder here, for the other sides to find; it is removed afterwards."""
    if not store.has("local"):
        yield "", (Check("store", "left out", "the profile has none: data goes through this machine"),)
        return
    here = store.from_outside("local")
    if here is None:
        yield "", (Check("store", "left out", f'"{store.addresses["local"]}" is not reached from this machine'),)
        return
    folder = FilePath(here["folder"])
    mark = f"{secrets.token_hex(16)}\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARK).write_text(mark, encoding="utf-8")
    except OSError as failure:
        message = f'can\'t write to "{folder}": {failure.strerror}'
        yield "", (Check("store", "failed", message, "make it writable, or name another folder"),)
        return
    try:
        yield mark, (Check("store", "well", f'"{store.addresses["local"]}" is read and written from here'),)
    finally:
        for path in folder.glob(f"{MARK}*"):
            path.unlink(missing_ok=True)


def _platform(name: str, profile: Profile, platforms: Platforms, mark: str, root: FilePath) -> Iterator[Check]:
    extras = tuple(_extras(name))
    yield from extras
    if any(check.state == "failed" for check in extras):
        return
    which = target(name)
    if not is_examining(which):
        yield Check("workspace", "left out", f'the target "{name}" can\'t be asked')
        return
    store = Exchange(profile.store, root)
    settings = {**profile.targets.get(name, {}), "exchange": store.from_outside(name)}
    computes = {neutral: bound[name] for neutral, bound in profile.computes.items() if name in bound}
    try:
        found = platforms.settings(name, settings)
        is_shared = store.from_outside(name) is not None
        yield from which.examine(found, Wanted(computes, profile.store.get(name, ""), mark if is_shared else ""))
    except SpecflowError as failure:
        yield Check("emulator", "failed", failure.message, failure.help, is_unreachable=failure.exit_code == 4)


def _extras(name: str) -> Iterator[Check]:
    """Yield whether each package that a target needs is here, in a version that fits."""
    from packaging.requirements import Requirement

    for line in needed(name):
        wanted = Requirement(line)
        here = installed(wanted.name)
        if here is None:
            yield Check(wanted.name, "failed", "is not installed", f'pip install "{what_brings_them(name)}"')
        elif wanted.specifier.contains(here, prereleases=True):
            yield Check(wanted.name, "well", here)
        else:
            help_ = f'pip install "{wanted.name}{wanted.specifier}"'
            yield Check(wanted.name, "failed", f"{here} is not {wanted.specifier}", help_)
