"""The emulator as the stand-in for a profile's workspace: it has whatever a job names, secrets included."""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path as FilePath
from typing import Any
from urllib.parse import unquote, urlsplit

from specflow.attempt.relay import neighbour_variables
from specflow.errors import SpecflowError
from specflow.targets.azureml.emulator.names import Reference
from specflow.targets.azureml.emulator.server import Emulator, read_options
from specflow.targets.azureml.key_vault import VAULT_VARIABLE

__all__ = ["Emulated", "Vaults", "open_emulated"]

_DATASTORE = re.compile(r"azureml://datastores/([^/]+)/")
_STORE = re.compile(r"azureml://datastores/([^/]+)/paths/(.+)")
_ASSET = re.compile(r"azureml:([A-Za-z0-9._-]+):([A-Za-z0-9._-]+)")
_SECRETS = re.compile(r"key_vault\.py (.*?) -- ")
_SECRET = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(\S+)/(\S+)")


class Vaults:
    """Key vaults on loopback, and the identity by which commands read them. Only secrets that were put in are there."""

    def __init__(self) -> None:
        """Bind a port."""
        self.secret, self.token = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self.held: dict[tuple[str, str], str] = {}
        holder = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                """Answer with a token, or a secret."""
                status, body = holder.answer(self.path, self.headers.get("secret"), self.headers.get("Authorization"))
                raw = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @property
    def variables(self) -> Mapping[str, str]:
        """Return what commands find in their environment: as in a job with a managed identity."""
        return {"MSI_ENDPOINT": f"{self.url}/token", "MSI_SECRET": self.secret, VAULT_VARIABLE: f"{self.url}/vaults"}

    def answer(self, path: str, secret: str | None, authorization: str | None) -> tuple[int, Mapping[str, str]]:
        """Return the status and body of an answer to one request."""
        parts = [unquote(part) for part in urlsplit(path).path.strip("/").split("/")]
        if parts == ["token"] and secret == self.secret:
            return 200, {"access_token": self.token, "expires_on": "0"}
        if len(parts) != 4 or authorization != f"Bearer {self.token}":
            return 401, {"error": "no token"}
        value = self.held.get((parts[1], parts[3]))
        return (200, {"value": value}) if value is not None else (404, {"error": "SecretNotFound"})

    def start(self) -> None:
        """Begin to answer."""
        serve = partial(self.server.serve_forever, poll_interval=0.02)  # so long may `stop` take
        threading.Thread(target=serve, name="key-vaults", daemon=True).start()

    def stop(self) -> None:
        """Answer no more."""
        self.server.shutdown()
        self.server.server_close()


class Emulated:
    """An emulator for `--emulate`: a real workspace would refuse what it does not have, this one makes it.

    Secrets come from this machine, by their names: those that the user allowed. What mlflow a step finds is not its own
    environment's, so nothing is logged to it.
    """

    def __init__(self, root: FilePath, settings: Mapping[str, Any], **options: Any) -> None:
        """Keep its files in `root`; of the settings, the secrets and the exchange store count."""
        self.vaults = Vaults()
        self.secrets: Mapping[str, str] = {}
        self.variables: dict[str, str] = {**self.vaults.variables, "MLFLOW_TRACKING_URI": ""}
        self.emulator = Emulator(root, variables=self.variables, **options)
        self.adopt(settings)
        space = self.emulator.workspace
        names = {"subscription_id": space.subscription, "resource_group": space.group, "workspace": space.name}
        loopback = {"url": self.emulator.url, "token": self.emulator.token, "provide": self.provide}
        self.settings: Mapping[str, Any] = {**names, "loopback": loopback}

    def adopt(self, settings: Mapping[str, Any]) -> None:
        """Take the exchange store and the secrets of a profile, and where the other emulators of a run are."""
        exchange = settings.get("exchange")
        found = _STORE.fullmatch(exchange["address"]) if exchange is not None else None
        if exchange is not None and found is not None:
            self.emulator.service.storage.attach(found[1], found[2], FilePath(exchange["folder"]))
        self.secrets = settings.get("secrets", {})
        self.variables.update(neighbour_variables(settings))

    def start(self) -> None:
        """Begin to answer."""
        self.vaults.start()
        self.emulator.start()

    def stop(self) -> None:
        """End it, and all that it runs."""
        self.emulator.stop()
        self.vaults.stop()

    def provide(self, document: Mapping[str, Any]) -> None:
        """Make what a job names: computes, datastores, registered environments, secrets in their vaults.

        Raises SpecflowError for a component of a workspace: what it does nobody here knows.
        """
        assets, storage = self.emulator.service.assets, self.emulator.service.storage
        for text in _texts(document):
            for name in _DATASTORE.findall(text):
                storage.add_datastore(name)
            for words in _SECRETS.findall(text):
                self._provide_secrets(words)
        default = {"compute": document.get("settings", {}).get("default_compute")}
        for name, node in (*document["jobs"].items(), ("", default)):
            compute = str(node.get("compute") or "")
            if compute:
                assets.computes |= {compute.removeprefix("azureml:")}
            component = node.get("component")
            if isinstance(component, str) and component.startswith("azureml:"):
                raise self._lacking(name, component)
            of_component = component.get("environment") if isinstance(component, Mapping) else None
            environment = node.get("environment") or of_component
            found = _ASSET.fullmatch(environment) if isinstance(environment, str) else None
            if found is not None:
                assets.put(Reference("environments", found[1], found[2]), {"properties": {"image": "emulated"}})

    def _lacking(self, node: str, component: str) -> SpecflowError:
        message = f'the emulator has no component "{component}", which the step "{node}" is: it lies in a workspace'
        return SpecflowError(message, "run it there, or say in `x-azureml` what command and environment the node has")

    def _provide_secrets(self, words: str) -> None:
        for variable, vault, name in _SECRET.findall(words):
            if variable in self.secrets:
                short = vault.removeprefix("https://").partition(".")[0]
                self.vaults.held[short, name] = self.secrets[variable]


def open_emulated(root: FilePath, port: int, options: Mapping[str, Sequence[str]]) -> Emulated:
    """Return a stand-in for `specflow emulate`, its options as the command line gives them."""
    return Emulated(root, {}, port=port, **read_options(options))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
