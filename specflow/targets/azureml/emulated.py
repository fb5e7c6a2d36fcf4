"""The emulator as the stand-in for a profile's workspace: it has whatever compute, datastore and environment is named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from specflow.targets.azureml.emulator.names import Reference
from specflow.targets.azureml.emulator.server import Emulator

__all__ = ["Emulated"]

_DATASTORE = re.compile(r"azureml://datastores/([^/]+)/")
_STORE = re.compile(r"azureml://datastores/([^/]+)/paths/(.+)")
_ASSET = re.compile(r"azureml:([A-Za-z0-9_-]+):([A-Za-z0-9._-]+)")


class Emulated:
    """An emulator for `--emulate`: a real workspace would refuse what it does not have, this one makes it."""

    def __init__(self, root: FilePath, settings: Mapping[str, Any], **options: Any) -> None:
        """Keep its files in `root`; of the profile's settings only the exchange store means something here."""
        self.emulator = Emulator(root, **options)
        exchange = settings.get("exchange")
        found = _STORE.fullmatch(exchange["address"]) if exchange is not None else None
        if exchange is not None and found is not None:
            self.emulator.service.storage.attach(found[1], found[2], FilePath(exchange["folder"]))

    @property
    def settings(self) -> Mapping[str, Any]:
        """Return what the client needs to reach it."""
        space = self.emulator.workspace
        names = {"subscription_id": space.subscription, "resource_group": space.group, "workspace": space.name}
        return {**names, "loopback": {"url": self.emulator.url, "token": self.emulator.token, "provide": self.provide}}

    def start(self) -> None:
        """Begin to listen."""
        self.emulator.start()

    def stop(self) -> None:
        """End it, and all that it runs."""
        self.emulator.stop()

    def provide(self, document: Mapping[str, Any]) -> None:
        """Make what a job names: computes, datastores, registered environments."""
        assets, storage = self.emulator.service.assets, self.emulator.service.storage
        for text in _texts(document):
            for name in _DATASTORE.findall(text):
                storage.add_datastore(name)
        for node in (*document["jobs"].values(), {"compute": document.get("settings", {}).get("default_compute")}):
            compute = str(node.get("compute") or "")
            if compute:
                assets.computes |= {compute.removeprefix("azureml:")}
            environment = node.get("environment") or node.get("component", {}).get("environment")
            found = _ASSET.fullmatch(environment) if isinstance(environment, str) else None
            if found is not None:
                assets.put(Reference("environments", found[1], found[2]), {"properties": {"image": "emulated"}})


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)]
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []
