"""What is registered in the workspace: versioned assets, as the ARM documents that clients see."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from specflow.emulation import State
from specflow.targets.azureml.emulator.assumptions import Assumptions
from specflow.targets.azureml.emulator.components import component_problems
from specflow.targets.azureml.emulator.fields import ill_formed
from specflow.targets.azureml.emulator.names import Reference, Workspace, name_problem, parse_reference
from specflow.targets.azureml.emulator.refusals import Problem, conflict, invalid, missing
from specflow.targets.azureml.emulator.storage import Storage

__all__ = ["ANONYMOUS", "Assets", "stamp"]

ANONYMOUS = frozenset({"azureml_anonymous", "CliV2AnonymousEnvironment"})
"""Names under which azure-ai-ml 1.35.2 registers what a job brings in place; their versions are digests."""
_DATASTORE = re.compile(r".*/datastores/([^/]+?)(?:/paths/.*)?/?", re.DOTALL)


def stamp(now: float) -> str:
    """Return a time as Azure writes it."""
    return datetime.fromtimestamp(now, timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Assets:
    """The registered versions by kind, name and version; it is the `Catalogue` that checks ask."""

    def __init__(
        self,
        state: State,
        storage: Storage,
        workspace: Workspace,
        assumed: Assumptions,
        computes: frozenset[str],
        now: Callable[[], float],
    ) -> None:
        """Serve what `state` holds."""
        self.state, self.storage, self.workspace, self.assumed = state, storage, workspace, assumed
        self.computes, self.now = computes, now
        # In memory too: a pipeline of a thousand nodes asks for the code of each by its hash.
        self._documents: dict[str, dict[str, Any]] = state.all("assets")

    def put(self, reference: Reference, body: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        """Return the registered document and whether it is new; refuse what the service would."""
        if odd := list(ill_formed(body)):
            raise invalid(odd)
        properties = body.get("properties")
        if not isinstance(properties, Mapping):
            raise invalid([Problem("an asset has properties", "properties")])
        if problems := self._problems(reference, properties):
            raise invalid(problems)
        found = self._documents.get(reference.key)
        if found is not None:
            if self.assumed.assets_are_immutable and _content(found["properties"]) != _content(properties):
                text = f"{reference.kind} {reference.name}:{reference.version} exists with another content"
                raise conflict(text, reference.kind)
            return self._keep(reference, {**found, "properties": {**found["properties"], **properties}}), False
        return self._keep(reference, self._document(reference, dict(properties))), True

    def _keep(self, reference: Reference, document: dict[str, Any]) -> dict[str, Any]:
        self._documents[reference.key] = document
        self.state.put("assets", reference.key, document)
        return document

    def _problems(self, reference: Reference, properties: Mapping[str, Any]) -> list[Problem]:
        problems: list[Problem] = []
        if self.assumed.refuses_odd_names:
            # Azure's curated environments have dots in their names: sklearn-1.5.
            has_dots = reference.kind == "environments"
            names = (
                name_problem(reference.kind, reference.name, is_version=has_dots),
                name_problem("version", reference.version, is_version=True),
            )
            problems += [each for each in names if each]
        if reference.kind == "components":
            spec = properties.get("componentSpec")
            if not isinstance(spec, Mapping):
                return [*problems, Problem("a component has a spec", "properties.componentSpec")]
            problems += component_problems(spec, self, self.assumed)
        if reference.kind == "data" and not self.has_data(str(properties.get("dataUri", ""))):
            problems.append(Problem(f'"{properties.get("dataUri")}" is in no datastore', "properties.dataUri"))
        if reference.kind == "codes" and self._upload(str(properties.get("codeUri", ""))) is None:
            problems.append(Problem(f'"{properties.get("codeUri")}" was not uploaded here', "properties.codeUri"))
        return list(dict.fromkeys(problems))

    def _document(self, reference: Reference, properties: dict[str, Any]) -> dict[str, Any]:
        when = stamp(self.now())
        return {
            "id": f"{self.workspace.id}/{reference.key}",
            "name": reference.version,
            "type": f"Microsoft.MachineLearningServices/workspaces/{reference.kind}/versions",
            "properties": {"isArchived": False, "isAnonymous": False, "tags": {}, "properties": {}, **properties},
            "systemData": {"createdAt": when, "createdBy": "emulator", "createdByType": "User", "lastModifiedAt": when},
        }

    def get(self, reference: Reference) -> dict[str, Any]:
        """Return a version's document; refuse one that there isn't."""
        found = self._documents.get(reference.key)
        if found is None:
            raise missing(reference.kind, f"{reference.name}:{reference.version}")
        return found

    def versions(self, kind: str, name: str) -> list[dict[str, Any]]:
        """Return a name's versions, the newest first."""
        prefix = f"{kind}/{name}/versions/"
        found = [each for key, each in list(self._documents.items()) if key.startswith(prefix)]
        return sorted(found, key=lambda each: str(each["systemData"]["createdAt"]), reverse=True)

    def code_with_hash(self, digest: str) -> list[dict[str, Any]]:
        """Return the code versions of this content; the name in the URL means nothing (azure-ai-ml 1.35.2)."""
        codes = [each for key, each in list(self._documents.items()) if key.startswith("codes/")]
        return [each for each in codes if (each["properties"].get("properties") or {}).get("hash_sha256") == digest]

    def container(self, kind: str, name: str) -> dict[str, Any]:
        """Return what is known of a name without version; refuse one that has no versions."""
        versions = self.versions(kind, name)
        if not versions:
            raise missing(kind, name)
        latest = str(versions[0]["name"])
        numbers = [int(each["name"]) for each in versions if str(each["name"]).isdecimal()]
        properties = {"latestVersion": latest, "nextVersion": str(max(numbers, default=0) + 1), "isArchived": False}
        if kind == "data":
            properties["dataType"] = versions[0]["properties"].get("dataType")
        return {
            "id": f"{self.workspace.id}/{kind}/{name}",
            "name": name,
            "type": f"Microsoft.MachineLearningServices/workspaces/{kind}",
            "properties": properties,
            "systemData": versions[0]["systemData"],
        }

    def names(self, kind: str) -> list[str]:
        """Return the names of a kind, without the anonymous ones."""
        names = {key.split("/")[1] for key in list(self._documents) if key.startswith(f"{kind}/")}
        return sorted(names - ANONYMOUS)

    # The catalogue that checks ask.

    def component(self, reference: str) -> Mapping[str, Any] | None:
        """Return the spec that an ARM id or `name:version` leads to; None if there is none."""
        found = self._find(reference, "components")
        spec: Mapping[str, Any] | None = found["properties"]["componentSpec"] if found else None
        return spec

    def _find(self, text: str, kind: str) -> dict[str, Any] | None:
        reference = parse_reference(text, kind, self.workspace)
        if reference is None or reference.registry:
            return None
        if reference.version == "latest":
            return next(iter(self.versions(reference.kind, reference.name)), None)
        return self._documents.get(reference.key)

    def has_environment(self, reference: str) -> bool:
        """Return whether the environment's version exists; those of registries do if that is assumed."""
        parsed = parse_reference(reference, "environments", self.workspace)
        if parsed is not None and parsed.registry:
            return self.assumed.registry_assets_exist
        return self._find(reference, "environments") is not None

    def has_code(self, reference: str) -> bool:
        """Return whether the code's version exists."""
        return self._find(reference, "codes") is not None

    def code_place(self, reference: str) -> tuple[str, str]:
        """Return the container and the path in it that hold a code version."""
        found = self._find(reference, "codes")
        place = self._upload(str(found["properties"]["codeUri"])) if found else None
        if place is None:
            raise missing("codes", reference)
        return place

    def _upload(self, uri: str) -> tuple[str, str] | None:
        found = re.fullmatch(r"https?://[^/]+/blobs/([^/]+)/?(.*?)/?", uri)
        return (found[1], found[2]) if found and self.storage.container(found[1]) else None

    def has_compute(self, reference: str) -> bool:
        """Return whether the compute exists; `serverless` always does."""
        name = reference.removeprefix("azureml:").rsplit("/", 1)[-1]
        return name == "serverless" or name in self.computes

    def has_datastore(self, reference: str) -> bool:
        """Return whether the datastore exists that an ARM id, a URI or a name means."""
        found = _DATASTORE.fullmatch(reference)
        return (found[1] if found else reference.removeprefix("azureml:")) in self.storage.datastores()

    def has_data(self, uri: str) -> bool:
        """Return whether a URI is in a datastore that exists, or names a data asset or model that does."""
        if uri.startswith("azureml://"):
            return self.has_datastore(uri)
        return self.data_uri(uri) is not None

    def data_uri(self, reference: str) -> str | None:
        """Return where a data asset or model lies; None if there is none."""
        for kind, key in (("data", "dataUri"), ("models", "modelUri")):
            if found := self._find(reference, kind):
                uri = found["properties"].get(key)
                return str(uri) if uri else None
        return None


def _content(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes a version what it is: neither its description nor its tags."""
    loose = {"description", "tags", "properties", "isArchived", "isAnonymous", "stage", "autoDeleteSetting"}
    return {name: value for name, value in properties.items() if name not in loose and value is not None}
