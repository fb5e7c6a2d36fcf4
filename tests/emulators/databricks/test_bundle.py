"""A bundle against the emulator: by the calls that the CLI is known to make, and by the CLI itself where it is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from specflow.targets.databricks.emulator.server import Emulator
from tests.emulators.databricks.conftest import Jobs, last, results

BUNDLE = Path(__file__).parent / "bundle"
ROOT = "/Workspace/Users/emulator@example.com/.bundle/specflow_demo/dev"
EXPECTED = {"prep": "SUCCESS", "measure": "SUCCESS", "fan": "SUCCESS", "gate": "SUCCESS", "accept": "SUCCESS"}


def deployed_settings() -> dict[str, Any]:
    """Return the job as `bundle deploy` sends it: paths of the workspace, variables put in, marks of a bundle."""
    text = (BUNDLE / "resources/demo.job.yml").read_text().replace("${var.greeting}", "hello")
    text = text.replace("../src/measure.py", f"{ROOT}/files/src/measure").replace("../src/", f"{ROOT}/files/src/")
    job: dict[str, Any] = yaml.safe_load(text)["resources"]["jobs"]["demo"]
    deployment = {"kind": "BUNDLE", "metadata_file_path": f"{ROOT}/state/metadata.json"}
    return {**job, "deployment": deployment, "edit_mode": "UI_LOCKED", "format": "MULTI_TASK"}


def test_the_bundle_passes_databricks_bundles() -> None:
    bundles = pytest.importorskip("databricks.bundles.jobs", reason="databricks-bundles is not installed")

    marks = ("deployment", "edit_mode", "format")
    job = bundles.Job.from_dict({key: value for key, value in deployed_settings().items() if key not in marks})

    assert ["prep", "measure", "fan", "gate", "accept"] == [one.task_key for one in job.tasks]


def test_the_calls_of_deploy_run_and_destroy(emulator: Emulator, sdk: Any) -> None:
    """The calls are those that databricks/cli 1.13 records in its acceptance tests, its escaping of paths included."""
    from databricks.sdk.errors import NotFound, ResourceAlreadyExists

    def do(method: str, path: str, **more: Any) -> Any:
        return sdk.api_client.do(method, path, **more)

    def put(path: str, data: bytes, overwrite: str = "true") -> None:
        name = quote(f"{ROOT}/{path}".lstrip("/"), safe="")
        do("POST", f"/api/2.0/workspace-files/import-file/{name}?overwrite={overwrite}", data=data)

    for state in ("resources.json", "terraform.tfstate", "deploy.lock"):
        with pytest.raises(NotFound):
            do(
                "GET",
                "/api/2.0/workspace/get-status",
                query={"path": f"{ROOT}/state/{state}", "return_export_info": "true"},
            )
    with pytest.raises(NotFound):
        put("state/deploy.lock", b"{}", "false")
    do("POST", "/api/2.0/workspace/mkdirs", body={"path": f"{ROOT}/state"})
    put("state/deploy.lock", b'{"ID": 1}', "false")
    with pytest.raises(ResourceAlreadyExists):
        put("state/deploy.lock", b'{"ID": 2}', "false")
    with pytest.raises(NotFound):
        do("POST", "/api/2.0/workspace/delete", body={"path": f"{ROOT}/artifacts/.internal", "recursive": True})
    do("POST", "/api/2.0/workspace/mkdirs", body={"path": f"{ROOT}/artifacts/.internal"})
    do("POST", "/api/2.0/workspace/mkdirs", body={"path": f"{ROOT}/files/src"})
    for file in ("src/step.py", "src/measure.py"):
        put(f"files/{file}", (BUNDLE / file).read_bytes())
    put("state/deployment.json", b"{}")
    job_id = do("POST", "/api/2.2/jobs/create", body=deployed_settings())["job_id"]
    put("state/resources.json", json.dumps({"demo": job_id}).encode())
    do("POST", "/api/2.0/workspace/delete", body={"path": f"{ROOT}/state/deploy.lock"})
    status = do("GET", "/api/2.0/workspace/get-status", query={"path": f"{ROOT}/files/src/measure"})
    state = do(
        "GET",
        "/api/2.0/workspace/export",
        query={"path": f"{ROOT}/state/resources.json", "direct_download": "true"},
        raw=True,
    )

    jobs = Jobs(emulator, sdk)
    run = jobs.wait(do("POST", "/api/2.2/jobs/run-now", body={"job_id": job_id})["run_id"])
    written = sdk.files.download(f"/Volumes/main/default/specflow/{run['run_id']}/accept").contents.read()

    assert "NOTEBOOK" == status["object_type"]
    assert {"demo": job_id} == json.loads(state["contents"].read())
    assert EXPECTED == results(run)
    assert b"accepted" == written
    assert 5 == len(jobs.get(last(run, "fan")["run_id"])["iterations"])

    do("POST", "/api/2.2/jobs/delete", body={"job_id": job_id})
    do("POST", "/api/2.0/workspace/delete", body={"path": ROOT, "recursive": True})
    with pytest.raises(NotFound):
        do("GET", "/api/2.2/jobs/get", query={"job_id": job_id})


CLI = shutil.which("databricks")
needs_cli = pytest.mark.skipif(CLI is None, reason="there is no `databricks` command (databricks/cli 1.3 or later)")


@needs_cli
def test_the_cli_validates_plans_deploys_runs_and_destroys(emulator: Emulator, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(BUNDLE, folder)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "DATABRICKS_HOST": emulator.url,
        "DATABRICKS_TOKEN": emulator.token,
        "DATABRICKS_BUNDLE_ENGINE": "direct",
    }

    def bundle(*words: str) -> subprocess.CompletedProcess[str]:
        argv = [str(CLI), "bundle", *words]
        done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done

    bundle("validate", "--strict")
    planned = bundle("plan").stdout
    bundle("deploy")
    again = bundle("plan").stdout
    summary = json.loads(bundle("summary", "-o", "json").stdout)
    bundle("run", "demo")
    job_id = int(summary["resources"]["jobs"]["demo"]["id"])
    runs = [run for run in emulator.workspace.runs.values() if run.job_id == job_id]
    bundle("destroy", "--auto-approve")

    assert "create jobs.demo" in planned
    assert "create" not in again
    assert ["SUCCESS"] == [run.result for run in runs]
    assert {} == emulator.workspace.jobs.all
