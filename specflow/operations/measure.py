"""What is assumed of a platform, measured on a user's own workspace; and the report of it, which anybody may see."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from specflow import __version__
from specflow.bridging.platforms import Platforms
from specflow.errors import SpecflowError
from specflow.operations.extras import installed, needed
from specflow.spec.model import Profile
from specflow.targets.base import Measured, is_probing, target

__all__ = ["REPORT_VERSION", "measure", "report"]

REPORT_VERSION = 1


def measure(profile: Profile, name: str, platforms: Platforms) -> Iterator[Measured]:
    """Yield each assumption about a platform as it is found on the workspace that the profile names."""
    which = target(name)
    if not is_probing(which):
        raise SpecflowError(f'nothing of "{name}" can be measured', "its documentation may say more")
    settings = {**profile.targets.get(name, {}), "store": profile.store.get(name)}
    compute = profile.computes.get("default", {}).get(name, "serverless")
    yield from which.probe(platforms.settings(name, settings), compute)


def report(name: str, measured: tuple[Measured, ...], *, is_emulated: bool) -> dict[str, Any]:
    """Return the report: versions and findings, and nothing of the workspace."""
    return {
        "report": REPORT_VERSION,
        "specflow": __version__,
        "python": ".".join(map(str, sys.version_info[:2])),
        "target": name,
        "emulated": is_emulated,
        "packages": {package: installed(package) for package in _packages(name)},
        "measured": {
            one.name: {"assumed": one.assumed, "found": one.found, **({"note": one.note} if one.note else {})}
            for one in measured
        },
    }


def _packages(name: str) -> list[str]:
    from packaging.requirements import Requirement

    return [Requirement(line).name for line in needed(name)]
