"""Bodies that no client sends: whatever is in them, the answer is a refusal in Azure's form and never a bug."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specflow.targets.azureml.emulator import Assumptions
from specflow.targets.azureml.emulator.refusals import Refused
from specflow.targets.azureml.emulator.schedules import Schedules
from specflow.targets.azureml.emulator.service import Service

PORTS = {"a": {"type": "uri_folder", "optional": True}, "n": {"type": "integer", "default": "1", "min": "0"}}
SPEC = {
    "type": "command",
    "environment": "azureml:env:1",
    "command": "echo ${{inputs.n}} $[[${{inputs.a}}]] > ${{outputs.out}}/x",
    "inputs": PORTS,
    "outputs": {"out": {"type": "uri_folder", "mode": "ReadWriteMount"}},
    "environment_variables": {"A": "b"},
    "resources": {"instance_count": 1},
    "distribution": {"type": "pytorch", "process_count_per_instance": 1},
}
NODE = {
    "type": "command",
    "componentId": "azureml:c:1",
    "computeId": "/computes/cpu",
    "inputs": {"n": {"job_input_type": "literal", "value": "2"}},
    "outputs": {"out": {"job_output_type": "uri_folder", "uri": "azureml://datastores/main/paths/x/"}},
    "limits": {"timeout": "PT1H", "job_limits_type": "Command"},
}
BOUND = {"a": {"job_input_type": "literal", "value": "${{parent.jobs.one.outputs.out}}", "mode": "ReadOnlyMount"}}
JOB = {
    "jobType": "Pipeline",
    "experimentName": "e",
    "inputs": {"i": {"jobInputType": "uri_folder", "uri": "azureml://datastores/main/paths/i"}},
    "outputs": {"o": {"jobOutputType": "uri_folder"}},
    "settings": {"default_compute": "cpu", "force_rerun": False},
    "tags": {"a": "b"},
    "jobs": {"one": NODE, "two": {**NODE, "inputs": BOUND, "outputs": {"out": {"value": "${{parent.outputs.o}}"}}}},
}
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(allow_nan=False),
    st.sampled_from(["", "a", "${{parent.jobs.two.outputs.out}}", "${{", "azureml:c:1", "../..", "PT0S", "\0"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["a", "type", "value", "uri", "mode", "one"]), st.integers(), max_size=2),
)


def places(body: Any, way: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in body.items():
        yield (*way, name)
        if isinstance(value, dict):
            yield from places(value, (*way, name))


def spoilt(body: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    ways = list(places(body))

    def put(changes: list[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
        found = copy.deepcopy(body)
        for way, value in changes:
            inner: Any = found
            for name in way[:-1]:
                inner = inner.get(name) if isinstance(inner, dict) else None
            if isinstance(inner, dict):
                inner[way[-1]] = value
        return found

    return st.lists(st.tuples(st.sampled_from(ways), JUNK), min_size=1, max_size=3).map(put)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    assumed = Assumptions(assets_are_immutable=False)
    made = Service(tmp_path_factory.mktemp("root"), assumed=assumed, computes=["cpu"], datastores=["main"], limit=1)
    put(made, "environments/env", {"image": "a"})
    put(made, "components/c", {"componentSpec": SPEC})
    yield made
    made.close()


def put(service: Service, path: str, properties: Any) -> None:
    from specflow.targets.azureml.emulator.names import Reference

    kind, name = path.split("/")
    service.assets.put(Reference(kind, name, "1"), {"properties": properties})


def test_the_body_that_is_spoilt_is_fine_itself(service: Service) -> None:
    Schedules(service).put("fine", scheduled(JOB))


def scheduled(job: Any) -> dict[str, Any]:
    action = {"actionType": "CreateJob", "jobDefinition": job}
    trigger = {"triggerType": "Cron", "expression": "0 6 * * 1"}
    return {"properties": {"action": action, "trigger": trigger}}


def refused(work: Callable[[], object]) -> Refused | None:
    try:
        work()
    except Refused as refusal:
        return refusal
    return None


QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUICK
@given(spoilt(JOB))
def test_a_spoilt_job_is_taken_or_refused(service: Service, job: dict[str, Any]) -> None:
    # Checked by way of a schedule, which runs nothing.
    refusal = refused(lambda: Schedules(service).put("spoilt", scheduled(job)))

    assert refusal is None or (refusal.status == 400 and refusal.details)


@QUICK
@given(spoilt(SPEC))
def test_a_spoilt_component_is_taken_or_refused(service: Service, spec: dict[str, Any]) -> None:
    refusal = refused(lambda: put(service, "components/spoilt", {"componentSpec": spec}))

    assert refusal is None or (refusal.status == 400 and refusal.details)


@pytest.mark.parametrize("body", [None, [], 3, "a", {}, {"properties": []}, {"properties": {"jobs": []}}])
def test_a_body_that_is_no_object_is_refused(service: Service, body: Any) -> None:
    with pytest.raises(Refused):
        service.submit("odd", body)
