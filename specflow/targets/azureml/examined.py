"""What `specflow doctor` finds of a workspace of Azure ML: login, workspace, computes, and its side of the store."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from specflow.errors import SpecflowError
from specflow.targets.azureml import client
from specflow.targets.azureml.site import Site
from specflow.targets.base import MARK, Check, Wanted

__all__ = ["examine"]

_STORE = re.compile(r"azureml://datastores/([^/]+)/paths/?(.*)")
_TRIES = 2


def examine(settings: Mapping[str, Any], wanted: Wanted) -> Iterator[Check]:
    """Yield what is found; what hangs on something that failed is left out."""
    try:
        workspace = Site(client.connect(settings), _TRIES)
        where = workspace.where(str(settings["workspace"]))
    except SpecflowError as failure:
        yield _failed("workspace", failure)
        return
    yield Check("workspace", "well", f'"{settings["workspace"]}" in {where} answers')
    for name, binding in sorted(wanted.computes.items()):
        yield _compute(workspace, name, binding, is_emulated="loopback" in settings)
    if wanted.store:
        yield from _store(workspace, wanted)


def _failed(what: str, failure: SpecflowError) -> Check:
    return Check(what, "failed", failure.message, failure.help, is_unreachable=failure.exit_code == 4)


def _compute(site: Site, name: str, binding: Any, *, is_emulated: bool) -> Check:
    what = f"compute {name}"
    bound = str(binding.get("compute", "") if isinstance(binding, Mapping) else binding).removeprefix("azureml:")
    if bound in ("", "serverless"):
        return Check(what, "left out", "serverless: the quota is only known when a job asks for it")
    if is_emulated:
        return Check(what, "left out", f'"{bound}": the emulator has whatever a job names')
    try:
        return Check(what, "well", f'"{bound}" is {site.compute(bound)}')
    except SpecflowError as failure:
        return _failed(what, failure)


def _store(site: Site, wanted: Wanted) -> Iterator[Check]:
    """Yield whether this side reads what lies in the store, and writes to it."""
    found = _STORE.fullmatch(wanted.store)
    if found is None:
        help_ = "write azureml://datastores/<name>/paths/<folder>"
        yield Check("store", "failed", f'"{wanted.store}" is no address of a datastore', help_)
        return
    datastore, folder = found[1], found[2].strip("/")
    prefix = f"{folder}/" if folder else ""
    mark = (wanted.mark or "specflow\n").encode()
    try:
        if wanted.mark and site.read(datastore, f"{prefix}{MARK}") != mark:
            message = f'what this machine wrote into the store is not at "{wanted.store}"'
            yield Check("store", "failed", message, "give all targets addresses of one and the same place")
            return
        own = f"{prefix}{MARK}-azureml"
        site.write(datastore, own, mark)
        if site.read(datastore, own) != mark:
            yield Check(
                "store", "failed", f'what was written to "{wanted.store}" is not read back', "who else writes it?"
            )
            return
    except SpecflowError as failure:
        yield _failed("store", failure)
        return
    yield Check("store", "well", f'"{wanted.store}" is read and written through the workspace')
