"""Limits, resources, distribution and Spark settings of a node or component: what is refused, and what they mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from specflow.targets.azureml.emulator.durations import seconds
from specflow.targets.azureml.emulator.refusals import Problem

__all__ = ["processes", "setting_problems", "timeout_s"]

RUNTIMES = frozenset({"3.2", "3.3", "3.4", "3.5"})
"""Spark runtimes of serverless Spark, as Microsoft's documentation listed them in 2025; 2.4 ended in 2023."""
INSTANCES = frozenset({f"standard_e{size}s_v3" for size in (4, 8, 16, 32, 64)})
"""Sizes of serverless Spark (azure-ai-ml 1.35.2, `SparkResourceConfiguration.instance_type_list`)."""
_CONF = ("spark.driver.cores", "spark.driver.memory", "spark.executor.cores", "spark.executor.memory")


def setting_problems(kind: str, body: Mapping[str, Any], target: str) -> Iterator[Problem]:
    """Return what is wrong with a node's or component's settings."""
    resources = body.get("resources") or {}
    count = resources.get("instance_count")
    if count is not None and (not isinstance(count, int) or count < 1):
        yield Problem(f"{count} is no number of instances; expected 1 or more", f"{target}.resources.instance_count")
    variables = body.get("environment_variables") or {}
    for name, value in variables.items():
        if not name or "=" in name or "\0" in f"{name}{value}":
            yield Problem(f'"{name}" is no environment variable', f"{target}.environment_variables")
    timeout = (body.get("limits") or {}).get("timeout")
    if timeout is not None and not (seconds(str(timeout)) or 0) > 0:
        yield Problem(f'"{timeout}" is no duration; expected PT1H or the like', f"{target}.limits.timeout")
    yield from _distribution_problems(body.get("distribution"), count, f"{target}.distribution")
    if kind == "spark":
        yield from _spark_problems(body, resources, target)


def _distribution_problems(distribution: Any, count: Any, where: str) -> Iterator[Problem]:
    if not distribution:
        if isinstance(count, int) and count > 1:
            yield Problem("several instances without a distribution are not emulated", where, "NotEmulated")
        return
    kind = _kind(distribution)
    if kind not in {"pytorch", "mpi"}:
        yield Problem(f'distribution "{kind}" is not emulated; pytorch and mpi are', where, "NotEmulated")
    each = distribution.get("process_count_per_instance")
    if each is not None and (not isinstance(each, int) or each < 1):
        yield Problem(f"{each} is no number of processes", f"{where}.process_count_per_instance")


def _spark_problems(body: Mapping[str, Any], resources: Mapping[str, Any], target: str) -> Iterator[Problem]:
    runtime, size = resources.get("runtime_version"), resources.get("instance_type")
    if runtime is not None and str(runtime) not in RUNTIMES:
        text = f'Spark runtime "{runtime}" is not supported; there are {", ".join(sorted(RUNTIMES))}'
        yield Problem(text, f"{target}.resources.runtime_version")
    if size is not None and str(size).lower() not in INSTANCES:
        yield Problem(f'"{size}" is no size of serverless Spark', f"{target}.resources.instance_type")
    conf = body.get("conf") or {}
    for name in _CONF if conf else ():
        if name not in conf:
            yield Problem(f"{name} is missing", f"{target}.conf")


def _kind(distribution: Mapping[str, Any]) -> str:
    return str(distribution.get("distribution_type") or distribution.get("type") or "").lower()


def timeout_s(limits: Mapping[str, Any] | None) -> float | None:
    """Return a node's limit in seconds; None without one."""
    text = (limits or {}).get("timeout")
    return seconds(str(text)) if text is not None else None


def processes(distribution: Mapping[str, Any] | None, resources: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """Return the rank variables of each process of a node: one process without variables, unless it is distributed.

    Names are those of PyTorch's and Open MPI's launchers; MASTER_PORT is left to whoever starts the processes.
    """
    if not distribution:
        return [{}]
    nodes = int((resources or {}).get("instance_count") or 1)
    each = int(distribution.get("process_count_per_instance") or 1)
    world = nodes * each
    ranks: list[dict[str, str]] = []
    for rank in range(world):
        local, node = rank % each, rank // each
        if _kind(distribution) == "mpi":
            names = {"RANK": rank, "SIZE": world, "LOCAL_RANK": local, "LOCAL_SIZE": each, "NODE_RANK": node}
            ranks.append({f"OMPI_COMM_WORLD_{name}": str(value) for name, value in names.items()})
        else:
            torch = {
                "RANK": rank,
                "WORLD_SIZE": world,
                "LOCAL_RANK": local,
                "LOCAL_WORLD_SIZE": each,
                "NODE_RANK": node,
            }
            ranks.append({name: str(value) for name, value in torch.items()} | {"MASTER_ADDR": "127.0.0.1"})
    return ranks
