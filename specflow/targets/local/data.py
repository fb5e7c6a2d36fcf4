"""The data of a plan, before it runs: it is there, and it is what the spec says it is."""

from __future__ import annotations

import os
from pathlib import Path as FilePath

from specflow.diagnostics import Diagnostic, Span, error
from specflow.digests import digest_of_path
from specflow.plan import Plan

__all__ = ["check_data"]


def check_data(plan: Plan) -> tuple[Diagnostic, ...]:
    """Return which named sources are not there, or have another digest than the spec says."""
    found = []
    entries = [entry for island in plan.document["islands"] for entry in island["data"].items()]
    for key, entry in (*plan.document["data"].items(), *entries):
        if "path" not in entry:
            continue
        path = plan.place(entry["path"])
        if not os.path.exists(path):  # noqa: PTH110 - for every source of every run
            place = Span(_shown(FilePath(path)))
            found.append(
                error(
                    "data-missing", f'the data "{key}" is not there', place, "was it moved since the spec was checked?"
                )
            )
        elif entry["sha256"] is not None and (digest := digest_of_path(FilePath(path))) != entry["sha256"]:
            place = Span(_shown(FilePath(path)))
            message = f'the data "{key}" has changed: its SHA-256 is {digest}, and the spec says {entry["sha256"]}'
            found.append(
                error("data-changed", message, place, "restore the data, or change `sha256` and `version` in the spec")
            )
    return tuple(found)


def _shown(path: FilePath) -> str:
    """Return a path as the user would type it from here, if it is below."""
    here = FilePath.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
