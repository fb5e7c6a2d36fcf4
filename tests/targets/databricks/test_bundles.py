"""Laws of every bundle: the vendor's package takes it, it is the same everywhere, and nothing private is in it."""

from __future__ import annotations

import graphlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from databricks.bundles.jobs import Job

from specflow.conformance.cases import Case, discover
from specflow.diagnostics import has_errors
from specflow.graph.islands import whole
from specflow.spec.load import Loader
from specflow.stages import validate
from specflow.targets.base import Compiled, capability_findings
from specflow.targets.databricks.target import TARGET
from tests.targets.databricks.project import Project, bundle_of, files_of, job_of, tasks_of

ROOT = Path(__file__).parents[3]
CASES = [case for case in discover(ROOT / "tests" / "conformance") if case.expect.run is not None]
SPECS = sorted((ROOT / "specs").glob("*.yaml"))

# What databricks-bundles and the SDK let pass; from the facts that both were tried against.
ROOT_KEYS = {"bundle", "include", "sync", "targets", "variables", "workspace"}
COMPUTE = {"existing_cluster_id", "job_cluster_key", "environment_key"}
NEEDS_COMPUTE = {"spark_python_task", "python_wheel_task"}


def of_case(case: Case) -> Compiled | None:
    """Return the bundle of a case; None where the target refuses it."""
    return of_spec(case.folder / case.expect.spec, case.expect.profile)


def of_spec(spec: Path, profile: str | None = None) -> Compiled | None:
    checked = validate(spec, Loader(spec.parent, profile))
    assert checked.graph is not None
    assert checked.workspace is not None
    found = (
        *capability_findings(TARGET, checked.graph, checked.graph.nodes),
        *TARGET.check(checked.graph, checked.graph.nodes),
    )
    if has_errors(found):
        return None
    made = TARGET.compile(whole(checked.graph, "databricks"), checked.workspace)
    return None if has_errors(made.findings) else made


def problems(made: Compiled) -> Iterator[str]:
    """Yield what the vendor's package finds wrong with a bundle, and what neither it nor the CLI looks for."""
    bundle, job = bundle_of(made), job_of(made)
    yield from (f"unknown root key {key}" for key in sorted(set(bundle) - ROOT_KEYS))
    # The CLI warns of such a pattern, and `bundle validate --strict` ends at it. Source: databricks/cli,
    # bundle/config/validate/validate_sync_patterns.go.
    folders = {path.partition("/")[0] for path in made.files} - {"databricks.yml", "resources"}
    yield from sorted(f"synced or there, not both: {one}" for one in folders ^ synced(bundle))
    try:
        Job.from_dict(job)
    except (ValueError, TypeError) as failure:
        yield str(failure)
    keys = [task["task_key"] for task in job["tasks"]]
    clusters = {one["job_cluster_key"] for one in job.get("job_clusters", ())}
    environments = {one["environment_key"] for one in job.get("environments", ())}
    for task in job["tasks"]:
        key = task["task_key"]
        if not re.fullmatch(r"[A-Za-z0-9_]{1,100}", key) or keys.count(key) > 1:
            yield f"task key {key!r}"
        kinds = [name for name in task if name.endswith("_task")]
        if len(kinds) != 1 or (kinds[0] in NEEDS_COMPUTE and len(COMPUTE & set(task)) != 1):
            yield f"{key}: {kinds} on {sorted(COMPUTE & set(task))}"
        is_serverless = "environment_key" in task or ("notebook_task" in task and not COMPUTE & set(task))
        if is_serverless and task.get("disable_auto_optimization") is not True:
            yield f"{key}: serverless would try it again by itself"
        lost = [one["task_key"] for one in task.get("depends_on", ()) if one["task_key"] not in keys]
        lost += [task["job_cluster_key"]] if task.get("job_cluster_key") not in clusters | {None} else []
        lost += [task["environment_key"]] if task.get("environment_key") not in environments | {None} else []
        yield from (f"{key}: unknown {name}" for name in lost)
    edges = {task["task_key"]: [one["task_key"] for one in task.get("depends_on", ())] for task in job["tasks"]}
    try:
        graphlib.TopologicalSorter(edges).prepare()
    except graphlib.CycleError as failure:
        yield f"cycle {failure.args[1]}"


def synced(bundle: Mapping[str, Any]) -> set[str]:
    """Return the folders whose files the CLI is told to send, whatever git ignores."""
    return {pattern.removesuffix("/**") for pattern in bundle["sync"]["include"]}


def paths_named(job: Mapping[str, Any]) -> Iterator[str]:
    """Yield the files of the bundle that a job names."""
    for task in job["tasks"]:
        body = next(value for key, value in task.items() if key.endswith("_task"))
        yield from (body[key].removeprefix("../") for key in ("python_file", "notebook_path") if key in body)
        texts = [*body.get("parameters", ()), *body.get("base_parameters", {}).values()]
        texts += [str(value) for library in task.get("libraries", ()) for value in library.values()]
        yield from _inside(texts)
    for environment in job.get("environments", ()):
        yield from _inside(environment["spec"].get("dependencies", ()))


def _inside(texts: Any) -> Iterator[str]:
    for text in texts:
        match = re.search(r"\$\{workspace\.file_path\}/(\S+)", text)
        if match is not None:
            yield match[1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_bundle_of_a_case_is_one_that_the_vendor_takes(case: Case) -> None:
    made = of_case(case)
    if made is None:
        return  # refused; the suite itself holds that it is as declared

    assert [] == list(problems(made))
    names = set(files_of(made))
    lost = [
        path
        for path in paths_named(job_of(made))
        if path not in names and not any(one.startswith(f"{path}/") for one in names)
    ]
    assert [] == lost


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_the_bundle_of_an_example_is_one_that_the_vendor_takes(spec: Path) -> None:
    made = of_spec(spec)
    assert made is not None

    assert [] == list(problems(made))


def test_few_cases_are_refused() -> None:
    refused = [case.id for case in CASES if of_case(case) is None]

    assert [
        "data/at-an-address",
        "data/elsewhere",
        "environments/conda",
        "outputs/at-an-address",
        "targets/native",
    ] == refused


COMPILE = """
import sys
from pathlib import Path
from tests.targets.databricks.project import compiled, files_of
for name, content in sorted(files_of(compiled(Path(sys.argv[1]))).items()):
    sys.stdout.buffer.write(name.encode() + b"\\0" + content + b"\\0")
"""


def test_another_folder_and_another_hash_seed_give_the_same_bytes(tmp_path: Path) -> None:
    outputs = []
    for seed, folder in (("0", tmp_path / "one"), ("4711", tmp_path / "deep" / "it's another")):
        shutil.copytree(ROOT / "specs", folder / "specs")
        shutil.copytree(ROOT / "steps", folder / "steps")
        (folder / ".git").mkdir()
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        call = [sys.executable, "-c", COMPILE, str(folder / "specs" / "retrain.yaml")]
        outputs.append(subprocess.run(call, cwd=folder, env=environment, capture_output=True, check=True).stdout)

    assert outputs[0] == outputs[1]
    assert b"resources/retrain.job.yml" in outputs[0]
    assert str(tmp_path).encode() not in outputs[0]


def test_the_order_of_keys_and_comments_change_nothing(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    texts = (
        "specflow: 1\nname: demo\nsteps:\n  a:\n    run: [echo, hi]\n    env: {B: '1', A: '2'}\n    timeout: 1m\n",
        "name: demo #\nspecflow: 1\nsteps:\n  a:\n    timeout: 1m\n    env: {A: '2', B: '1'}\n    run: [echo, hi]\n",
    )
    made = []
    for text in texts:
        (tmp_path / "pipeline.yaml").write_text(text)
        bundle = of_spec(tmp_path / "pipeline.yaml")
        assert bundle is not None
        made.append(files_of(bundle))

    assert made[0] == made[1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_no_bundle_holds_a_path_of_this_machine(case: Case) -> None:
    made = of_case(case)
    if made is None:
        return
    generated = {name: content for name, content in files_of(made).items() if isinstance(made.files.get(name), bytes)}

    assert [] == [name for name, content in generated.items() if str(ROOT).encode() in content]


def test_no_bundle_holds_a_secret(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_Vf2mTn0CqkP")
    made = project.compile("steps:\n  a: {run: [sh, -c, 'test -n \"$HF_TOKEN\"'], secrets: [HF_TOKEN]}\n")

    assert [] == [name for name, content in files_of(made).items() if b"hf_Vf2mTn0CqkP" in content]
    assert "--bind=HF_TOKEN=specflow/HF_TOKEN" in tasks_of(job_of(made))["a"]["spark_python_task"]["parameters"]


def test_compiling_brings_neither_the_sdk_nor_the_emulator() -> None:
    script = "\n".join(
        (
            "import sys",
            "from pathlib import Path",
            "from tests.targets.databricks.project import compiled",
            f"compiled(Path({str(ROOT / 'specs' / 'retrain.yaml')!r}))",
            "unwanted = ('databricks.', 'specflow.targets.databricks.emulator.')",
            "print([name for name in sys.modules if name.startswith(unwanted)])",
        )
    )
    # The project's helper names the client, which imports the SDK only when it is called.
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()
