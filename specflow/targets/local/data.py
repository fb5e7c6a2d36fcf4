"""The data of a plan, before it runs: it is there, and it is what the spec says it is."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path as FilePath

from specflow.diagnostics import Diagnostic, Span, error
from specflow.plan import Plan
from specflow.snapshot import digest_of_file

__all__ = ["check_data", "digest_of_path"]


def digest_of_path(path: FilePath) -> str:
    """Return the SHA-256 of a file; of a folder, that of its sorted lines `<sha256>  <path>`, one per file."""
    if path.is_file():
        return digest_of_file(path)
    digest = hashlib.sha256()
    for name in sorted(_names(path)):
        digest.update(f"{digest_of_file(path / name)}  {name}\n".encode())
    return digest.hexdigest()


def _names(folder: FilePath) -> Iterator[str]:
    for here, _, files in os.walk(folder):
        for name in files:
            yield (FilePath(here) / name).relative_to(folder).as_posix()


def check_data(plan: Plan) -> tuple[Diagnostic, ...]:
    """Return which named sources are not there, or have another digest than the spec says."""
    found = []
    for key, entry in plan.document["data"].items():
        path = plan.path(entry["path"])
        place = Span(str(path))
        if not path.exists():
            found.append(
                error(
                    "data-missing", f'the data "{key}" is not there', place, "was it moved since the spec was checked?"
                )
            )
        elif entry["sha256"] is not None and (digest := digest_of_path(path)) != entry["sha256"]:
            message = f'the data "{key}" has changed: its SHA-256 is {digest}, and the spec says {entry["sha256"]}'
            found.append(
                error("data-changed", message, place, "restore the data, or change `sha256` and `version` in the spec")
            )
    return tuple(found)
