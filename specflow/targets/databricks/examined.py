"""What `specflow doctor` finds of a Databricks workspace: login, computes, and its side of the store."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from specflow.errors import SpecflowError
from specflow.targets.base import MARK, Check, Wanted
from specflow.targets.databricks.client import Api, MissingError
from specflow.targets.databricks.compile import DEFAULT_STORE
from specflow.targets.databricks.login import login_for

__all__ = ["examine"]

_PATIENCE_S = 5.0


def examine(settings: Mapping[str, Any], environ: Mapping[str, str], wanted: Wanted) -> Iterator[Check]:
    """Yield what is found; what hangs on something that failed is left out."""
    try:
        api = Api(login_for(settings, environ), patience_s=_PATIENCE_S)
        user = api.user()
    except SpecflowError as failure:
        yield _failed("workspace", failure)
        return
    yield Check("workspace", "well", f"{api.host} answers, to {user}")
    for name, binding in sorted(wanted.computes.items()):
        yield _compute(api, name, binding)
    yield from _store(api, wanted)


def _failed(what: str, failure: SpecflowError) -> Check:
    return Check(what, "failed", failure.message, failure.help, is_unreachable=failure.exit_code == 4)


def _compute(api: Api, name: str, binding: Any) -> Check:
    what = f"compute {name}"
    cluster = binding.get("existing_cluster_id") if isinstance(binding, Mapping) else None
    if binding == "serverless":
        return Check(what, "left out", "serverless: whether the workspace has it is only known when a job asks for it")
    if cluster is None:
        return Check(
            what, "left out", "a cluster of the job's own: what it may have is only known when a job asks for it"
        )
    try:
        found = api.call("GET", "/api/2.1/clusters/get", None, cluster_id=cluster)
    except MissingError:
        return Check(what, "failed", f'there is no cluster "{cluster}"', "bind another one in the profile")
    except SpecflowError as failure:
        return _failed(what, failure)
    return Check(what, "well", f'cluster "{cluster}" is {str(found.get("state", "there")).lower()}')


def _store(api: Api, wanted: Wanted) -> Iterator[Check]:
    """Yield whether this side reads what lies in the store, and writes to it."""
    store = (wanted.store or DEFAULT_STORE).rstrip("/")
    if not store.startswith("/Volumes/"):
        yield Check(
            "store", "failed", f'"{store}" is no folder of a volume', "write /Volumes/<catalog>/<schema>/<volume>"
        )
        return
    mark = wanted.mark or "specflow\n"
    try:
        if wanted.mark and _read(api, f"{store}/{MARK}") != mark:
            message = f'what this machine wrote into the store is not at "{store}"'
            yield Check("store", "failed", message, "give all targets addresses of one and the same place")
            return
        api.make_volume_folder(store)
        own = f"{store}/{MARK}-databricks"
        _write(api, own, mark)
        if _read(api, own) != mark:
            yield Check("store", "failed", f'what was written to "{store}" is not read back', "who else writes it?")
            return
    except SpecflowError as failure:
        yield _failed("store", failure)
        return
    yield Check("store", "well", f'"{store}" is read and written through the workspace')


def _read(api: Api, path: str) -> str:
    """Return a small file of a volume; empty if there is none."""
    with tempfile.TemporaryDirectory(prefix="specflow-") as folder:
        target = FilePath(folder) / "file"
        try:
            api.get_volume_file(path, target)
        except MissingError:
            return ""
        return target.read_text("utf-8", "replace")


def _write(api: Api, path: str, text: str) -> None:
    with tempfile.TemporaryDirectory(prefix="specflow-") as folder:
        source = FilePath(folder) / "file"
        source.write_text(text, encoding="utf-8")
        api.put_volume_file(path, source)
