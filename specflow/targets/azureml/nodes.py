"""One step as a node of pipeline.yml: what runs, where, with which ports, and how long it may take."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from specflow.attempt.child import GRACE_S
from specflow.attempt.codec import encode
from specflow.attempt.prepare import BASE_VARIABLES
from specflow.attempt.relay import EMULATORS
from specflow.graph.model import Graph, Node
from specflow.lowering import asked
from specflow.spec import model
from specflow.targets.azureml.computes import node_compute
from specflow.targets.azureml.folders import SPARK_ENTRY
from specflow.targets.azureml.ports import DIRECT, Wiring
from specflow.targets.azureml.yaml_text import Folded

__all__ = [
    "BRIDGE_VARIABLES",
    "KEPT_VARIABLES",
    "NodeParts",
    "body",
    "constant_variables",
    "in_place_component",
    "is_deterministic",
    "launch_line",
    "limit_s",
    "patched_variables",
    "spark_arguments",
    "unquoted",
]

RUN = '"${AZUREML_ROOT_RUN_ID:-$AZUREML_RUN_ID}"'
"""The name of the job that a node belongs to, as bash finds it there: unverified."""
MARGIN_S = 600
"""What a node may take beyond its step's attempts: mounting, installing wheels, copying outputs."""

KEPT_VARIABLES = ("AZUREML_", "MLFLOW_", "MSI_", "DEFAULT_IDENTITY_CLIENT_ID")
"""How variables begin by which a step logs in to Azure and to the job's MLflow."""

BRIDGE_VARIABLES = ("AZURE_", "DATABRICKS_", "IDENTITY_", EMULATORS)
"""How more of them begin that a bridge has: those of other logins."""

_PLAIN_WORD = re.compile(r"[A-Za-z0-9_./:-]+")
_PLAIN_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_.,=\[\] -]*")
_PLAIN_VARIABLE = re.compile(r"[ -~]*")
_OWN_PREFIXES = ("AZUREML", "LD_", "MLFLOW", "MSI_", "PYTHON", "SPECFLOW")
_COMPONENT_KEYS = ("code", "entry", "command", "args", "conf", "environment", "is_deterministic", "distribution")


@dataclass(frozen=True, slots=True)
class NodeParts:
    """What a node is made from, beside the step itself."""

    note: Mapping[str, Any]
    folder: str
    environment: Any
    wiring: Wiring
    variables: Mapping[str, str]
    vaults: Mapping[str, str]
    """Where each secret is: `<vault>/<name>`."""
    is_deterministic: bool
    patched: tuple[str, ...] = ()
    """The variables that the step's patch sets, beside those of the spec."""


def is_deterministic(node: Node, graph: Graph, *, soft: bool) -> bool:
    """Return whether an earlier run of the node may stand for a new one, where all that it was given is the same.

    A soft step ends well on the platform even if it failed; and an address without a version may hold something new.
    """
    if not node.cache or soft or asked(node):
        return False
    sources = (graph.data.get(leaf) for leaf in _data_keys(node))
    return all(ref is None or ref.source.version is not None or not _is_remote(ref.location) for ref in sources)


def _data_keys(node: Node) -> list[str]:
    from specflow.lowering import leaves_of

    return [leaf[1] for leaf in leaves_of(*(port.binding for port in node.inputs.values())) if leaf[0] == "data"]


def _is_remote(location: str | Mapping[str, str]) -> bool:
    return "://" in (location if isinstance(location, str) else location.get("azureml", ""))


def constant_variables(node: Node) -> dict[str, str]:
    """Return the variables that the platform sets: constant, plain, and of no meaning to the launcher's own Python."""
    from specflow.attempt.evaluate import text_of

    found = {}
    for name, tree in node.env.items():
        is_ours = name in BASE_VARIABLES or name.startswith(_OWN_PREFIXES) or name in node.secrets
        if tree[0] != "value" or tree[1] is None or is_ours:
            continue
        text = text_of(tree[1])
        if _PLAIN_VARIABLE.fullmatch(text) and "${{" not in text and "$[[" not in text:
            found[name] = text
    return found


def patched_variables(node: Node) -> tuple[str, ...]:
    """Return the names of the variables that a step's patch sets; what the spec sets or works out goes before."""
    found = node.extensions.get("azureml", {}).get("environment_variables")
    names = found if isinstance(found, Mapping) else ()
    return tuple(str(name) for name in names if name not in node.env and name not in node.secrets)


def limit_s(note: Mapping[str, Any]) -> int | None:
    """Return the seconds after which the platform ends a node: all attempts with their delays, and a margin."""
    timeout, retry = note["timeout_s"], note["retry"]
    if timeout is None:
        return None
    attempts = retry["attempts"]
    delays = sum(min(retry["delay_s"] * retry["backoff"] ** number, 24 * 3600) for number in range(attempts - 1))
    return int(attempts * (timeout + 2 * GRACE_S) + delays) + MARGIN_S


def launch_line(node: Node, parts: NodeParts) -> Folded:
    """Return the command of a node: the launcher, and all that it is told, a line for each."""
    lines = []
    if parts.vaults:
        secrets = " ".join(f"{name}={_word(place)}" for name, place in parts.vaults.items())
        lines.append(f"python key_vault.py {secrets} --")
    lines.append(f"python launch.py step.json --target azureml --run {RUN} --placeholders")
    if parts.note["id"] != node.id:
        lines.append(f"--id {node.id} --label {_label(node.label)}")
    lines += parts.wiring.arguments
    lines += [f"--variable {_word(name)}" for name in dict.fromkeys((*parts.variables, *parts.patched))]
    lines += [f"--secret {name}" for name in parts.vaults]
    return Folded(lines)


def spark_arguments(node: Node, parts: NodeParts) -> Folded:
    """Return the arguments of a Spark node: no shell reads them, so nothing is quoted, and nothing needs to be."""
    lines = []
    if parts.vaults:
        secrets = " ".join(f"{name}={_word(place)}" for name, place in parts.vaults.items())
        lines.append(f"key_vault.py {secrets} --")
    lines.append("step.json --target azureml --in-process --placeholders")
    if parts.note["id"] != node.id:
        lines.append(f"--id {node.id} --label {encode(node.label)}")
    lines += [unquoted(argument) for argument in parts.wiring.arguments]
    lines += [f"--secret {name}" for name in parts.vaults]
    return Folded(lines)


def unquoted(argument: str) -> str:
    """Return an argument of a command as one of a Spark node: `--input n="${{inputs.n}}"` without its quotes."""
    return argument.replace('"', "")


def _label(label: str) -> str:
    return f'"{label}"' if _PLAIN_LABEL.fullmatch(label) else encode(label)


def _word(text: str) -> str:
    """Return a text of the profile as one word for bash."""
    return text if _PLAIN_WORD.fullmatch(text) else shlex.quote(text)


def body(node: Node, parts: NodeParts, profile: model.Profile) -> dict[str, Any]:
    """Return a node as people write it, its keys in the order of Azure's examples; a patch is applied to this form."""
    is_spark = node.engine == "spark"
    found: dict[str, Any] = {"type": "spark" if is_spark else "command"}
    found |= {"display_name": node.label, "code": parts.folder}
    if not parts.is_deterministic:
        found["is_deterministic"] = False
    if is_spark:
        found |= {"entry": {"file": SPARK_ENTRY}, "args": spark_arguments(node, parts)}
    else:
        found["command"] = launch_line(node, parts)
    if parts.environment is not None:
        found["environment"] = parts.environment
    found |= node_compute(node, profile)
    if parts.variables:
        found["environment_variables"] = dict(parts.variables)
    limit = limit_s(parts.note)
    if limit is not None and not is_spark:
        found["limits"] = {"timeout": limit}
    if node.secrets:
        found["identity"] = {"type": "managed"}
    if parts.wiring.inputs:
        found["inputs"] = dict(parts.wiring.inputs)
    found["outputs"] = dict(parts.wiring.outputs)
    return found


def in_place_component(
    node: Mapping[str, Any], inputs: Mapping[str, str], outputs: Mapping[str, str]
) -> dict[str, Any]:
    """Return a node with its component in place, where it says what only a component can: `is_deterministic`.

    `inputs` and `outputs` are the types of its ports, which a binding does not say.
    """
    if "is_deterministic" not in node or "component" in node:
        return dict(node)
    component: dict[str, Any] = {"type": node.get("type", "command")}
    component |= {key: node[key] for key in _COMPONENT_KEYS if key in node}
    for side, types in (("inputs", inputs), ("outputs", outputs)):
        if node.get(side):
            component[side] = {name: _port(given, types.get(name)) for name, given in node[side].items()}
    head = {key: node[key] for key in ("type", "display_name") if key in node}
    rest = {key: value for key, value in node.items() if key not in (*_COMPONENT_KEYS, *head)}
    return {**head, "component": component, **rest}


def _port(given: Any, known: str | None) -> dict[str, str]:
    """Return how a component declares a port: its type, and the mode where the node says one."""
    said: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    mode = {"mode": DIRECT} if said.get("mode") == DIRECT else {}
    return {"type": str(said.get("type") or known or "uri_folder"), **mode}
