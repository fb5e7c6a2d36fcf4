"""What starting costs, what reading a spec costs beside reading its YAML, and compiling it beside the SDK's load."""

from __future__ import annotations

import gc
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import clean_environment, run

__all__ = ["START_ROUNDS", "compilations", "starts", "validations"]

START_ROUNDS = 15
SIZES = (1000, 10_000)


def starts(program: str, home: Path) -> dict[str, float]:
    """Return median seconds of `python -c pass` and of commands that need nothing, in interleaved rounds."""
    home.mkdir(parents=True, exist_ok=True)
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "specflow --version": [program, "--version"],
        "specflow --help": [program, "--help"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(START_ROUNDS):
        for name, command in commands.items():
            seconds[name].append(run(command, home, clean_environment()).seconds)
    return {name: statistics.median(found) for name, found in seconds.items()}


def validations(home: Path, rounds: int) -> dict[int, dict[str, float]]:
    """Return median seconds of CSafeLoader and of `validate` on the same file, by its number of steps.

    In one process, imports left out, interleaved, the garbage collector off for both.
    """
    import yaml

    from specflow.spec.load import Loader
    from specflow.stages import validate

    found = {}
    for count in SIZES:
        spec = _spec(home / f"validate-{count}", count)
        text = spec.read_text()
        calls: dict[str, Callable[[], object]] = {
            "CSafeLoader": lambda text=text: yaml.load(text, yaml.CSafeLoader),
            "validate": lambda spec=spec: validate(spec, Loader(spec.parent)),
        }
        assert validate(spec, Loader(spec.parent)).diagnostics == ()
        found[count] = {name: statistics.median(times) for name, times in _timed(calls, rounds).items()}
    return found


def compilations(home: Path, rounds: int) -> dict[str, float]:
    """Return median seconds of compiling a chain of 1,000 steps for Azure ML, and of the SDK loading what came of it.

    In one process, imports left out, interleaved, the garbage collector as each has it for its users; nothing without
    azure-ai-ml.
    """
    from specflow.plan import write_files
    from specflow.spec.load import Loader
    from specflow.stages import make_plan, validate
    from specflow.targets.azureml import client

    if importlib.util.find_spec("azure.ai.ml") is None:
        return {}
    spec = _chain(home / "compile", 1000)
    plan, found = make_plan(validate(spec, Loader(spec.parent)), "azureml")
    assert plan is not None, found
    (island,) = plan.document["islands"]
    artifact = home / "compile/artifact"
    write_files(plan, artifact, island["folder"])
    text = (artifact / "pipeline.yml").read_text()
    client._silence()
    calls: dict[str, Callable[[], object]] = {
        "compile": lambda: make_plan(validate(spec, Loader(spec.parent)), "azureml"),
        "azure-ai-ml": lambda: client.loaded("job", text, artifact),
    }
    return {name: statistics.median(times) for name, times in _timed(calls, rounds, collecting=True).items()}


def _timed(calls: dict[str, Callable[[], object]], rounds: int, *, collecting: bool = False) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            gc.collect()
            if not collecting:
                gc.disable()
            began = time.perf_counter()
            result = call()
            seconds[name].append(time.perf_counter() - began)
            gc.enable()
            del result
    return seconds


def _chain(folder: Path, count: int) -> Path:
    """Return a pipeline of so many steps, each of which copies what the one before has written."""
    folder.mkdir(parents=True)
    (folder / "specflow.yaml").write_text("specflow: 1\n")
    lines = [
        "specflow: 1",
        "name: chain",
        "steps:",
        "  s0: {run: [touch, '${{ outputs.o }}'], outputs: {o: {type: file}}}",
    ]
    for index in range(1, count):
        given = f"${{{{ steps.s{index - 1}.outputs.o }}}}"
        lines.append(f"  s{index}: {{run: [cp, '{given}', '${{{{ outputs.o }}}}'], outputs: {{o: {{type: file}}}}}}")
    spec = folder / "chain.yaml"
    spec.write_text("\n".join(lines) + "\n")
    return spec


def _spec(folder: Path, count: int) -> Path:
    """Return a pipeline of so many steps in place, each behind three others."""
    folder.mkdir(parents=True)
    (folder / "specflow.yaml").write_text("specflow: 1\n")
    lines = ["specflow: 1", "name: large", "steps:"]
    for index in range(count):
        layer, place = divmod(index, 100)
        above = [f"s{(layer - 1) * 100 + (place + shift) % 100}" for shift in range(3)] if layer else []
        given = " ".join(f"${{{{ steps.{name}.outputs.o }}}}" for name in above)
        lines += [
            f"  s{index}:",
            f"    description: Adds up what the steps before it have found, number {index}.",
            f"    run: python add.py --out ${{{{ outputs.o }}}} {given}".rstrip(),
            "    outputs: {o: {type: file, format: txt}}",
            "    retry: {attempts: 2, delay: 10s}",
            "    timeout: 1h",
        ]
    spec = folder / "large.yaml"
    spec.write_text("\n".join(lines) + "\n")
    return spec
