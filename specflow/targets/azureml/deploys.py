"""What stays in a workspace: a pipeline as a component, its schedule, its endpoint; ours are known by their tags."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path as FilePath
from typing import Any

import yaml

from specflow.errors import SpecflowError
from specflow.targets.azureml import client
from specflow.targets.azureml.client import MissingError, patiently
from specflow.targets.azureml.components import component_document
from specflow.targets.azureml.yaml_text import yaml_text
from specflow.targets.base import Deployment

__all__ = ["OWNER", "deploy", "deployments", "endpoint_called", "owned", "put_component", "undeploy"]

OWNER = "specflow"
"""The tag that says which pipeline a component, a schedule or an endpoint is of."""
_DIGEST = "specflow_digest"
_VERSION_LENGTH = 12


def owned(name: str, digest: str) -> dict[str, str]:
    """Return the tags of what is ours, of a pipeline with some content."""
    return {OWNER: name, _DIGEST: digest}


def deploy(
    ml: Any,
    provide: Callable[[Mapping[str, Any]], None],
    name: str,
    folder: FilePath,
    native: Mapping[str, Any],
    digest: str,
) -> Deployment:
    """Install the pipeline as a component whose version is its digest, and its schedule; return what is there then."""
    document = yaml.safe_load((folder / "pipeline.yml").read_text(encoding="utf-8"))
    provide(document)
    component = put_component(ml, document, native, folder, name, digest)
    _archive(ml, [one for one in _components(ml) if one.tags[OWNER] == name and one.version != component.version])
    before = _schedule(ml, name)
    if before is not None and (before.tags or {}).get(OWNER) != name:
        message = f'the workspace has a schedule "{name}" that specflow did not make'
        raise SpecflowError(message, "give the pipeline another name, or remove that schedule")
    schedule = native["schedule"]
    if schedule is None:
        if before is not None:
            _remove_schedule(ml, before)
        return _deployment(name, component, digest, "")
    _put_schedule(ml, name, folder, digest, is_enabled=bool(schedule["enabled"]))
    told = _told(f"{schedule['cron']} {schedule['timezone']}", is_enabled=bool(schedule["enabled"]))
    return _deployment(name, component, digest, told)


def put_component(
    ml: Any, document: Mapping[str, Any], native: Mapping[str, Any], folder: FilePath, name: str, digest: str
) -> Any:
    """Return the pipeline's component in the workspace; the same digest is the same version, and registered once."""
    version = digest[:_VERSION_LENGTH]
    made = component_document(document, native, version)
    made["tags"] = {**made.get("tags", {}), **owned(name, digest)}
    text = yaml_text(made)
    try:
        found = patiently(lambda: ml.components.get(name, version))
    except MissingError:
        return patiently(lambda: ml.components.create_or_update(client.loaded("component", text, folder)))
    patiently(lambda: ml.components.restore(name, version))  # it may be archived: an earlier content that comes back
    return found


def _put_schedule(ml: Any, name: str, folder: FilePath, digest: str, *, is_enabled: bool) -> None:
    text = (folder / "schedule.yml").read_text(encoding="utf-8")

    def put() -> None:
        made = client.loaded("schedule", text, folder)
        made.tags = {**(made.tags or {}), **owned(name, digest)}
        ml.schedules.begin_create_or_update(made).result()

    patiently(put)
    switch = ml.schedules.begin_enable if is_enabled else ml.schedules.begin_disable
    patiently(lambda: switch(name).result())


def _schedule(ml: Any, name: str) -> Any:
    try:
        return patiently(lambda: ml.schedules.get(name))
    except MissingError:
        return None


def _remove_schedule(ml: Any, schedule: Any) -> None:
    """Remove a schedule; the service takes only one that is disabled ("Schedule ML jobs", Microsoft's docs)."""
    if schedule.is_enabled:
        patiently(lambda: ml.schedules.begin_disable(schedule.name).result())
    patiently(lambda: ml.schedules.begin_delete(schedule.name).result())


def endpoint_called(ml: Any, endpoint: str, name: str) -> Any:
    """Return a pipeline's endpoint, None if there is none; raise SpecflowError if one of that name is not ours."""
    try:
        found = patiently(lambda: ml.batch_endpoints.get(endpoint))
    except MissingError:
        return None
    if (found.tags or {}).get(OWNER) != name:
        message = f'the workspace has an endpoint "{endpoint}" that specflow did not make for "{name}"'
        raise SpecflowError(message, "give the pipeline another name, or remove that endpoint")
    return found


def _endpoints(ml: Any) -> dict[str, Any]:
    """Return the endpoints that are ours, by the pipeline's name."""
    found = patiently(lambda: list(ml.batch_endpoints.list()))
    return {endpoint.tags[OWNER]: endpoint for endpoint in found if OWNER in (endpoint.tags or {})}


def undeploy(ml: Any, name: str) -> bool:
    """Remove the schedule and the endpoint, and archive the components; return whether there was anything of ours."""
    schedule = _schedule(ml, name)
    is_ours = schedule is not None and (schedule.tags or {}).get(OWNER) == name
    if is_ours:
        _remove_schedule(ml, schedule)
    endpoint = _endpoints(ml).get(name)
    if endpoint is not None:
        patiently(lambda: ml.batch_endpoints.begin_delete(endpoint.name).result())
    found = [component for component in _components(ml) if component.tags.get(OWNER) == name]
    _archive(ml, found)
    return is_ours or endpoint is not None or bool(found)


def _archive(ml: Any, components: Iterable[Any]) -> None:
    """Take components out of the workspace's lists; whoever names one by its version still finds it."""
    for component in components:
        patiently(partial(ml.components.archive, component.name, component.version))


def _components(ml: Any) -> Iterator[Any]:
    """Yield the versions of components that are ours."""
    for container in patiently(lambda: list(ml.components.list())):
        versions = patiently(partial(_versions, ml, container.name))
        yield from (each for each in versions if OWNER in (each.tags or {}))


def deployments(ml: Any) -> tuple[Deployment, ...]:
    """Return the newest component of each pipeline that is installed, with its schedule and its endpoint."""
    newest: dict[str, Any] = {}
    for component in _components(ml):
        before = newest.get(component.tags[OWNER])
        if before is None or _made(before) < _made(component):
            newest[component.tags[OWNER]] = component
    endpoints = _endpoints(ml)
    found = []
    for name, component in newest.items():
        schedule = _schedule(ml, name)
        told = _told(_shown(schedule.trigger), is_enabled=schedule.is_enabled) if schedule is not None else ""
        made = _deployment(name, component, component.tags[_DIGEST], told)
        endpoint = endpoints.pop(name, None)
        found.append(replace(made, endpoint=endpoint.scoring_uri) if endpoint is not None else made)
    for name, endpoint in endpoints.items():  # somebody has archived the component
        digest, address = endpoint.tags.get(_DIGEST, ""), endpoint.scoring_uri
        found.append(Deployment(name, "azureml", f"azureml:{endpoint.name}", "", digest, "", address))
    return tuple(sorted(found, key=lambda one: one.name))


def _made(component: Any) -> str:
    return str(component.creation_context.created_at)


def _told(schedule: str, *, is_enabled: bool) -> str:
    return schedule if is_enabled else f"{schedule} (paused)"


def _shown(trigger: Any) -> str:
    expression = getattr(trigger, "expression", None) or f"every {trigger.interval} {trigger.frequency}"
    return f"{expression} {trigger.time_zone}"


def _deployment(name: str, component: Any, digest: str, schedule: str) -> Deployment:
    return Deployment(name, "azureml", f"azureml:{component.name}:{component.version}", "", digest, schedule)


def _versions(ml: Any, name: str) -> list[Any]:
    return list(ml.components.list(name=name))
