"""What a run is given, on its way to the platform: values as parameters, paths of this machine as files of a volume."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from specflow.attempt.codec import NULL, encode
from specflow.attempt.evaluate import text_of
from specflow.targets.databricks.client import Api
from specflow.targets.databricks.transfer import put_tree

__all__ = ["parameters_of", "put_arrivals"]

_VOLUME_DEPTH = 5
"""The parts of `/Volumes/<catalog>/<schema>/<volume>`, the first of them empty."""


def parameters_of(api: Api, inputs: Mapping[str, Any], native: Mapping[str, Any], root: str) -> dict[str, str]:
    """Return the job parameters of the inputs given; files are put below `root`, the run's own folder."""
    found = {}
    for name, value in inputs.items():
        found[native["inputs"][name]["parameter"]] = _text(api, value, f"{root}/inputs/{name}")
    return found


def _text(api: Api, value: Any, place: str) -> str:
    if value is None:
        return NULL
    if isinstance(value, FilePath):
        return _path_text(_put(api, value, place))
    if isinstance(value, (list, tuple)):
        items = [
            _put(api, item, f"{place}/{index}") if isinstance(item, FilePath) else item
            for index, item in enumerate(value)
        ]
        return (
            _path_text(json.dumps(items))
            if any(isinstance(item, FilePath) for item in value)
            else encode(json.dumps(items))
        )
    return encode(text_of(value))


def _path_text(path: str) -> str:
    """Return a path as it is wherever the platform leaves it alone, for people and for mounts."""
    return encode(path) if "{{" in path or "${" in path else path


def _put(api: Api, source: FilePath, folder: str) -> str:
    place = f"{folder}/{source.name}"
    put_tree(api, source, place)
    return place


def _from(address: str, folder: str) -> str:
    """Return the way from a record's folder to an output on the same volume; of one on another, its address.

    A record says where outputs lie from its own folder, so it holds wherever the volume is mounted.
    """
    volume = address.split("/")[:_VOLUME_DEPTH]
    return posixpath.relpath(address, folder) if folder.split("/")[:_VOLUME_DEPTH] == volume else address


def put_arrivals(api: Api, arrivals: Mapping[str, Any], root: str, scratch: FilePath) -> None:
    """Put what steps of other islands left to where the launcher looks for it: records, and outputs beside them."""
    paths = arrivals.get("paths", {})
    for step, record in arrivals.get("records", {}).items():
        outputs = {}
        for port, left in record.get("outputs", {}).items():
            address = paths.get(f"{step}.{port}")
            if isinstance(address, FilePath) or (address is not None and FilePath(address).exists()):
                place = f"arrived/{port}/{left['name']}"
                put_tree(api, FilePath(address), f"{root}/{step}/{place}")
                outputs[port] = {**left, "path": place}
            elif address is not None:
                outputs[port] = {**left, "path": _from(str(address), f"{root}/{step}")}
        file = scratch / f"{step}.json"
        file.write_text(json.dumps({**record, "outputs": outputs}, sort_keys=True) + "\n", encoding="utf-8")
        api.put_volume_file(f"{root}/{step}/record.json", file)
