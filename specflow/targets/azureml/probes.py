"""What the emulator assumes of Azure ML, measured on a workspace by small pipeline jobs.

Left out is what would leave something behind that can't be removed (registered environments and assets), what takes a
Spark pool, and what no part of specflow relies on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from specflow.errors import SpecflowError, UnreachableError
from specflow.targets.azureml.emulator.assumptions import Assumptions
from specflow.targets.azureml.laboratory import FOLDER, Ended, Laboratory, RefusedError
from specflow.targets.base import Measured

__all__ = ["MEASURED", "probe"]

_AT_ONCE = 4
_NOT_TRIED = "not tried: it would leave something behind, or nothing relies on it"


def probe(settings: Mapping[str, Any], compute: Any) -> Iterator[Measured]:
    """Yield each assumption as it is found in the workspace; raise UnreachableError where that can't be asked."""
    laboratory = Laboratory(settings, compute)
    findings: dict[str, Future[Mapping[str, bool]]] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for names, work in _WORKS.items():
            done = pool.submit(work, laboratory)
            findings |= dict.fromkeys(names, done)
        for name, assumed, _ in Assumptions.rows():
            yield _measured(name, assumed, findings.get(name))


def _measured(name: str, assumed: bool, done: Future[Mapping[str, bool]] | None) -> Measured:
    if done is None:
        return Measured(name, assumed, None, _NOT_TRIED)
    try:
        found = done.result().get(name)
    except UnreachableError:
        raise
    except SpecflowError as failure:
        return Measured(name, assumed, None, failure.message if isinstance(failure, RefusedError) else "no job ran")
    return Measured(name, assumed, found, "" if found is not None else "what came of it says neither yes nor no")


_FACTS = """\
[ -d ${{outputs.out}} ] && echo folder=True || echo folder=False
echo run=${AZUREML_RUN_ID:+set}
echo port=${AZURE_ML_INPUT_flag:+set}
echo flag=${{inputs.flag}}
echo data=${{inputs.data}}
mkdir -p ${{outputs.out}}
echo here > ${{outputs.out}}/file
case $- in *e*) echo stops=True ;; *) echo stops=False ;; esac
"""


def facts(lab: Laboratory) -> dict[str, bool]:
    """Find what a command sees, where its output lies, and whether the very same job is run twice."""
    source = lab.put("facts", b"1")
    node = lab.command(
        _FACTS,
        inputs={"flag": {"type": "boolean"}, "data": {"type": "uri_file"}},
        outputs={"out": FOLDER},
        given={"flag": True, "data": {"type": "uri_file", "path": source, "mode": "direct"}},
        to={"out": "${{parent.outputs.result}}"},
    )
    pipeline = {"outputs": {"result": FOLDER}, "jobs": {"facts": node}}
    first = lab.run(pipeline)
    log = first.log("facts")
    said = dict(line.split("=", 1) for line in log.splitlines() if "=" in line)
    if "flag" not in said:
        raise RefusedError("the log holds nothing of the command")
    second = lab.run(pipeline)
    again = lab.submit(pipeline, first.name)
    return {
        "output_folders_exist": said.get("folder") == "True",
        "sets_azureml_variables": said.get("run") == "set",
        "sets_port_variables": said.get("port") == "set",
        "literals_are_pasted_as_sent": said["flag"] == "True",
        "direct_ports_are_azureml_uris": said.get("data", "").startswith("azureml:"),
        "bash_stops_at_the_first_error": said.get("stops") == "True",
        "children_are_named_by_node": "facts" in first.names(),
        "pipeline_outputs_lie_under_the_root": lab.has(f"azureml/{first.name}/result/file"),
        "reuses_deterministic_nodes": second.is_reused(),
        "repeated_job_put_returns_the_job": again,
    }


def changed_data(lab: Laboratory) -> dict[str, bool]:
    """Find whether other content at the same address is seen."""
    source = lab.put("changing", b"1")
    node = lab.command(
        "cat ${{inputs.data}}",
        inputs={"data": {"type": "uri_file"}},
        given={"data": {"type": "uri_file", "path": source}},
    )
    lab.run({"jobs": {"read": node}})
    lab.put("changing", b"22")
    return {"reuse_looks_at_data": not lab.run({"jobs": {"read": node}}).is_reused()}


def failures(lab: Laboratory) -> dict[str, bool]:
    """Find what a failed node does to others: bad -> never, and slow beside them."""
    bad = lab.command(f"sleep {lab.start_s}; echo here > ${{{{outputs.out}}}}/file; exit 1", outputs={"out": FOLDER})
    never = lab.command(
        "ls ${{inputs.data}}",
        inputs={"data": FOLDER},
        given={"data": "${{parent.jobs.bad.outputs.out}}"},
    )
    slow = lab.command(f"sleep {5 * lab.start_s}")
    ended = lab.run({"jobs": {"bad": bad, "never": never, "slow": slow}})
    child = ended.child("bad")
    found = {"children_appear_before_they_start": len(ended.children) == 3}
    if child is not None:
        found["failed_nodes_keep_outputs"] = lab.has(f"azureml/{child}/out/file")
    if "never" in ended.states:
        found["unrun_children_end_canceled"] = ended.states["never"] == "Canceled"
    if "slow" in ended.states:
        found["failure_cancels_running_siblings"] = ended.states["slow"] != "Completed"
    return found


def timeouts(lab: Laboratory) -> dict[str, bool]:
    """Find how a node over its limit ends."""
    ended: Ended = lab.run({"jobs": {"late": {**lab.command("sleep 600"), "limits": {"timeout": lab.start_s}}}})
    state = next(iter(ended.states.values()), "")
    return {"timeout_fails_the_node": state == "Failed"} if state in ("Failed", "Canceled") else {}


def refusals(lab: Laboratory) -> dict[str, bool]:
    """Find what is refused with the job, and what is taken."""
    plain = lab.command("true")
    optional = lab.command("echo ${{inputs.word}}", inputs={"word": {"type": "string", "optional": True}})
    makes = lab.command("true", outputs={"out": FOLDER})
    takes = lab.command(
        "true", inputs={"data": {"type": "custom_model"}}, given={"data": "${{parent.jobs.makes.outputs.out}}"}
    )
    registered = lab.command("true", environment="azureml://registries/azureml/environments/sklearn-1.5/labels/latest")
    refused: dict[str, dict[str, Any]] = {
        "refuses_unknown_settings": {"jobs": {"a": plain}, "settings": {"default_compute_": "x"}},
        "refuses_bare_optional_inputs": {"jobs": {"a": optional}},
        "refuses_type_mismatches": {"jobs": {"makes": makes, "takes": takes}},
        "refuses_odd_names": {"jobs": {"a": plain}, "experiment_name": "specflow probe!"},
    }
    found = {name: not lab.is_taken(pipeline) for name, pipeline in refused.items()}
    return {**found, "registry_assets_exist": lab.is_taken({"jobs": {"a": registered}})}


_WORKS: Mapping[tuple[str, ...], Callable[[Laboratory], Mapping[str, bool]]] = {
    (
        "output_folders_exist",
        "sets_azureml_variables",
        "sets_port_variables",
        "literals_are_pasted_as_sent",
        "direct_ports_are_azureml_uris",
        "bash_stops_at_the_first_error",
        "children_are_named_by_node",
        "pipeline_outputs_lie_under_the_root",
        "reuses_deterministic_nodes",
        "repeated_job_put_returns_the_job",
    ): facts,
    ("reuse_looks_at_data",): changed_data,
    (
        "children_appear_before_they_start",
        "failed_nodes_keep_outputs",
        "unrun_children_end_canceled",
        "failure_cancels_running_siblings",
    ): failures,
    ("timeout_fails_the_node",): timeouts,
    (
        "refuses_unknown_settings",
        "refuses_bare_optional_inputs",
        "refuses_type_mismatches",
        "refuses_odd_names",
        "registry_assets_exist",
    ): refusals,
}

MEASURED = tuple(name for names in _WORKS for name in names)
"""The assumptions that are measured."""
