"""What the emulator takes for true of the live service without proof: one switch each, so that a suite can flip it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields, replace

__all__ = ["Assumptions"]


def _assume(default: bool, doc: str) -> bool:
    """Return a field that holds `default` and the sentence that is true when it is on."""
    made: bool = field(default=default, metadata={"doc": doc})
    return made


@dataclass(frozen=True, slots=True)
class Assumptions:
    """The switches; each default is what documentation, issue threads or memory suggest."""

    reuses_deterministic_nodes: bool = _assume(
        True, "a node with a deterministic component, inputs and environment seen before is not run again"
    )
    reuse_looks_at_data: bool = _assume(False, "changed data behind an unchanged path prevents reuse")
    repeated_job_put_returns_the_job: bool = _assume(
        True, "a second PUT of the same job under the same name returns the first; off: 409"
    )
    assets_are_immutable: bool = _assume(
        True, "a registered environment, component or code version can't be given another content"
    )
    cancel_answers_202: bool = _assume(True, "cancel answers 202 with a Location to poll; off: 200")
    failure_cancels_running_siblings: bool = _assume(
        True, "without continue_on_step_failure, a failed node ends its running siblings; off: they finish"
    )
    unrun_children_end_canceled: bool = _assume(
        True, "a node that is never started because another failed ends as Canceled; off: it stays NotStarted"
    )
    children_appear_before_they_start: bool = _assume(
        True, "all nodes are listed as child jobs from submission on; off: only those that have started"
    )
    children_are_named_by_node: bool = _assume(
        True, "a child job's display name is its node's name; off: its component's"
    )
    timeout_fails_the_node: bool = _assume(True, "a node over its limits.timeout ends as Failed; off: as Canceled")
    failed_nodes_keep_outputs: bool = _assume(True, "what a failed node wrote to a mounted output stays there")
    pipeline_outputs_lie_under_the_root: bool = _assume(
        True, "a pipeline output without a path lies under the pipeline job's name; off: under the child's"
    )
    output_folders_exist: bool = _assume(
        True, "the folder of a uri_folder output exists when the command starts; off: only its parent"
    )
    sets_azureml_variables: bool = _assume(True, "AZUREML_RUN_ID and its like are in a command's environment")
    sets_root_run_id: bool = _assume(True, "AZUREML_ROOT_RUN_ID is among them; off: AZUREML_RUN_ID alone names a run")
    sets_identity_variables: bool = _assume(
        True, "MSI_ENDPOINT and MSI_SECRET are there too, if its job has a managed identity"
    )
    sets_port_variables: bool = _assume(True, "AZURE_ML_INPUT_<name> and AZURE_ML_OUTPUT_<name> are, too")
    literals_are_pasted_as_sent: bool = _assume(
        True, "a literal reaches the command as the text that was sent (True, 0.30); off: as JSON (true, 0.3)"
    )
    bash_stops_at_the_first_error: bool = _assume(False, "a command's bash runs with -e")
    refuses_bare_optional_inputs: bool = _assume(
        True, "an unset optional input named outside $[[ ]] is refused; off: it is empty text"
    )
    refuses_unknown_fields: bool = _assume(True, "a node or component body with a field unknown here is refused")
    refuses_unknown_settings: bool = _assume(True, "a misspelt key in a pipeline's settings is refused")
    refuses_type_mismatches: bool = _assume(
        True, "an edge between ports of different types is refused (uri_folder to custom_model, say)"
    )
    refuses_odd_names: bool = _assume(
        True, "job, experiment, asset and schedule names hold letters, digits, - and _, at most 255"
    )
    spark_inputs_must_be_direct: bool = _assume(
        True, "data inputs and outputs of Spark nodes are refused unless direct"
    )
    direct_ports_are_azureml_uris: bool = _assume(
        False, "a command's direct port is handed azureml://…; off: a file:// URI into the datastore's folder here"
    )
    registers_spark_outputs: bool = _assume(False, "a named output of a Spark node is registered as an asset")
    taken_asset_versions_fail_the_job: bool = _assume(
        True, "an output named like a registered version with another content fails its job; off: it stays unnamed"
    )
    registry_assets_exist: bool = _assume(True, "environments named in a registry exist; off: they are unknown")

    def flipped(self, name: str) -> Assumptions:
        """Return the same assumptions with the named one turned round."""
        return replace(self, **{name: not getattr(self, name)})

    @classmethod
    def rows(cls) -> Iterator[tuple[str, bool, str]]:
        """Return name, default and sentence of each switch, in order; the docs' table is made of these."""
        switch: Field[bool]
        for switch in fields(cls):
            yield switch.name, bool(switch.default), str(switch.metadata["doc"])
