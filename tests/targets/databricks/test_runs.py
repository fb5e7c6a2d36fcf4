"""Jobs through the target's own client on its emulator: what becomes of them, resumed, deployed, through faults."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from specflow.attempt.outcomes import FAIL_FAST
from specflow.emulation import Fault
from specflow.errors import SpecflowError
from specflow.targets.databricks.artifact import read_artifact
from specflow.targets.databricks.emulated import Emulated
from specflow.targets.databricks.emulator.assumptions import Assumptions
from specflow.targets.databricks.runs import DatabricksClient, open_client
from tests.targets.databricks.project import Project, record, states_of, submission, wait

# A fails at its first attempt; b fails until somebody mends it; c hangs on b, d on neither.
MENDED = """\
inputs:
  mark: {{type: string, default: "{mark}"}}
steps:
  a:
    run:
      - sh
      - -c
      - 'echo attempt $SPECFLOW_ATTEMPT; test "$SPECFLOW_ATTEMPT" = 2 && echo a > "$1"'
      - sh
      - "${{{{ outputs.o }}}}"
    outputs: {{o: {{type: file}}}}
    retry: {{attempts: 2, delay: 1s}}
  b:
    run:
      - sh
      - -c
      - 'test -e "$1" && cat "$2" > "$3"'
      - sh
      - "${{{{ inputs.mark }}}}"
      - "${{{{ steps.a.outputs.o }}}}"
      - "${{{{ outputs.o }}}}"
    outputs: {{o: {{type: file}}}}
  c:
    run: [sh, -c, 'cat "$1" > "$2"', sh, "${{{{ steps.b.outputs.o }}}}", "${{{{ outputs.o }}}}"]
    outputs: {{o: {{type: file}}}}
  d:
    after: [a]
    run: [echo, d]
"""


def all_runs(emulated: Emulated) -> list[Any]:
    return list(emulated.emulator.workspace.runs.values())


def all_jobs(emulated: Emulated) -> list[dict[str, Any]]:
    return list(emulated.emulator.workspace.jobs.all.values())


def test_a_first_attempt_fails_another_step_for_good_and_a_repair_runs_only_what_has_to(
    project: Project, client: DatabricksClient, emulated: Emulated, tmp_path: Path
) -> None:
    mark = tmp_path / "mended"
    made = project.compile(MENDED.format(mark=mark))
    job = client.submit(submission(made, tmp_path / "bundle"))
    status = wait(client, job)

    assert "failed" == status.state
    assert {"a": "succeeded", "b": "failed", "c": "not run", "d": "succeeded"} == states_of(status)
    assert (2, "succeeded") == (record(client, job, "a")["attempts"], record(client, job, "a")["state"])
    assert "attempt 1\n" in client.log(job, "a")
    assert "attempt 2\n" in client.log(job, "a")
    assert "exit code 1" == record(client, job, "b")["reason"]
    assert "" == client.log(job, "c")

    mark.touch()
    before = {key: len(unit.attempts) for key, unit in all_runs(emulated)[0].units.items()}
    assert client.resume(job, ("b",))
    status = wait(client, job)
    after = {key: len(unit.attempts) for key, unit in all_runs(emulated)[0].units.items()}

    assert "succeeded" == status.state
    assert {"a": 0, "b": 1, "c": 1, "d": 0} == {key: after[key] - before[key] for key in before}
    assert 1 == record(client, job, "b")["attempts"]
    assert 1 == len(all_runs(emulated))
    fetched = client.fetch(job, "c", "o", record(client, job, "c"), tmp_path / "here")
    assert "a\n" == fetched.read_text()


def test_a_repair_can_be_repaired(project: Project, client: DatabricksClient, tmp_path: Path) -> None:
    mark = tmp_path / "mended"
    job = client.submit(submission(project.compile(MENDED.format(mark=mark)), tmp_path / "bundle"))
    wait(client, job)
    client.resume(job, ("b",))
    assert "failed" == wait(client, job).state

    mark.touch()
    client.resume(job, ("b",))

    assert "succeeded" == wait(client, job).state


def test_one_key_is_one_run_and_one_name_is_one_job(
    project: Project, client: DatabricksClient, emulated: Emulated, tmp_path: Path
) -> None:
    made = project.compile("steps:\n  a: {run: [echo, hi]}\n")
    once = submission(made, tmp_path / "bundle")
    first, second = client.submit(once), client.submit(once)
    third = client.submit(submission(made, tmp_path / "bundle", "20260102-120000-1a2b3c"))

    assert first == second
    assert first != third
    assert 1 == len(all_jobs(emulated))
    assert "succeeded" == wait(client, third).state


AROUND = """\
specflow: 1
profiles:
  prod:
    variables: {robot: sp-1}
    targets:
      databricks:
        x-databricks:
          run_as: {service_principal_name: "${var.robot}"}
          permissions: [{group_name: ml, level: CAN_RUN}, {group_name: users, level: CAN_VIEW}]
"""


def test_a_bundles_run_as_and_permissions_hold_for_its_job_as_with_the_vendors_cli(
    project: Project, client: DatabricksClient, emulated: Emulated, tmp_path: Path
) -> None:
    project.write(AROUND, "specflow.yaml")
    own = "x-databricks: {permissions: [{group_name: users, level: CAN_MANAGE}]}\n"
    made = project.compile(f"{own}steps:\n  a: {{run: [echo, hi]}}\n", "prod")
    client.deploy("demo", submission(made, tmp_path / "bundle").folder, {}, "d")
    (job,) = all_jobs(emulated)
    answer = client.deploys.api.call("GET", f"/api/2.0/permissions/jobs/{job['job_id']}")
    groups = [one for one in answer["access_control_list"] if "group_name" in one]

    assert {"service_principal_name": "sp-1"} == job["settings"]["run_as"]
    assert {"users": "CAN_MANAGE", "ml": "CAN_MANAGE_RUN"} == {
        one["group_name"]: one["all_permissions"][0]["permission_level"] for one in groups
    }


def test_a_run_that_began_with_the_code_of_another_is_ended(
    project: Project, client: DatabricksClient, emulated: Emulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = submission(project.compile("steps:\n  a: {run: [echo, other], code: .}\n"), tmp_path / "other")
    made = submission(
        project.compile("steps:\n  a: {run: [sleep, '30']}\n"), tmp_path / "bundle", "20260102-120000-1a2b3c"
    )
    theirs = open_client(emulated.settings).deploys
    install = type(theirs).install

    def install_and_lose(deploys: Any, settings: Any) -> int:
        job = install(deploys, settings)
        if deploys is not theirs:
            theirs.install(theirs.prepare(read_artifact(other.folder), "run"))
        return job

    monkeypatch.setattr(type(theirs), "install", install_and_lose)
    with pytest.raises(SpecflowError) as told:
        client.submit(made)

    assert told.value.message.startswith("another run of this pipeline was started at the same moment")
    assert ["CANCELED"] == [run.stopping or run.result for run in all_runs(emulated)]


def test_each_user_has_a_job_for_runs(
    project: Project, client: DatabricksClient, emulated: Emulated, tmp_path: Path
) -> None:
    made = project.compile("steps:\n  a: {run: [echo, hi]}\n")
    wait(client, client.submit(submission(made, tmp_path / "bundle")))
    (first,) = all_jobs(emulated)
    first["creator_user_name"] = "somebody.else@example.com"
    wait(client, client.submit(submission(made, tmp_path / "bundle", "20260102-120000-1a2b3c")))

    assert 2 == len(all_jobs(emulated))


def test_a_run_leaves_a_deployed_job_alone(
    project: Project, client: DatabricksClient, emulated: Emulated, tmp_path: Path
) -> None:
    made = project.compile("schedule: {cron: '0 6 * * 1'}\nsteps:\n  a: {run: [echo, hi]}\n")
    once = submission(made, tmp_path / "bundle")
    deployed = client.deploy("demo", once.folder, made.native, "0123456789abcdef")
    kept = dict(emulated.emulator.workspace.jobs.get(int(deployed.id)))
    wait(client, client.submit(once))

    assert kept == emulated.emulator.workspace.jobs.get(int(deployed.id))
    assert {"demo": True, "demo (run)": False} == {
        job["settings"]["name"]: "schedule" in job["settings"] for job in all_jobs(emulated)
    }


def test_what_a_bundle_of_the_cli_owns_is_nobodys_here(
    project: Project, client: DatabricksClient, emulated: Emulated, tmp_path: Path
) -> None:
    made = project.compile("steps:\n  a: {run: [echo, hi]}\n")
    once = submission(made, tmp_path / "bundle")
    wait(client, client.submit(once))
    (ours,) = all_jobs(emulated)
    body = {**ours["settings"], "deployment": {"kind": "BUNDLE", "metadata_file_path": "/m"}, "edit_mode": "UI_LOCKED"}
    theirs = client.api.call("POST", "/api/2.2/jobs/create", body)["job_id"]
    client.api.call("POST", "/api/2.2/jobs/delete", {"job_id": ours["job_id"]})
    wait(client, client.submit(submission(made, tmp_path / "bundle", "20260102-120000-1a2b3c")))

    assert 2 == len(all_jobs(emulated))
    assert "UI_LOCKED" == emulated.emulator.workspace.jobs.get(theirs)["settings"]["edit_mode"]


def test_deploy_installs_updates_and_undeploy_removes(
    project: Project, client: DatabricksClient, emulated: Emulated, tmp_path: Path
) -> None:
    text = "schedule: {{cron: '0 {hour} * * 1', timezone: Europe/Berlin}}\nsteps:\n  a: {{run: [echo, hi]}}\n"
    first = project.compile(text.format(hour=6))
    one = client.deploy("demo", submission(first, tmp_path / "one").folder, first.native, "a" * 64)
    second = project.compile(text.format(hour=7))
    other = client.deploy("demo", submission(second, tmp_path / "two").folder, second.native, "b" * 64)

    assert one.id == other.id
    assert "0 0 7 ? * MON Europe/Berlin" == other.schedule
    assert (other,) == client.deployments()
    assert "b" * 16 == other.digest

    fired = client.api.call("POST", "/_emulator/fire", {"job_id": int(other.id)})["run_id"]
    assert "succeeded" == wait(client, str(fired)).state
    assert [True, False] == [client.undeploy("demo"), client.undeploy("demo")]
    assert () == client.deployments()


def test_a_run_that_a_schedule_started_has_the_platforms_run_id(
    project: Project, client: DatabricksClient, tmp_path: Path
) -> None:
    made = project.compile(
        "schedule: {cron: '0 6 * * 1'}\nsteps:\n"
        '  a: {run: [sh, -c, \'echo "$1 $2"\', sh, "${{ run.id }}", "${{ run.date }}"]}\n'
    )
    deployed = client.deploy("demo", submission(made, tmp_path / "bundle").folder, made.native, "a" * 64)
    run = client.api.call("POST", "/_emulator/fire", {"job_id": int(deployed.id)})["run_id"]
    wait(client, str(run))
    first = client.log(str(run), "a").splitlines()[0].split()

    assert str(run) == first[0]
    assert 10 == len(first[1])


def test_inputs_arrive_byte_for_byte(project: Project, client: DatabricksClient, tmp_path: Path) -> None:
    hostile = 'it\'s $(reboot) {{job.id}} ${var.x}\n"quoted" \\ ü'
    (tmp_path / "in {put}.txt").write_text("of the file\n")
    project.write(
        "import sys\n"
        "out, word, file, *many = sys.argv[1:]\n"
        "open(out, 'w').write(repr([word, open(file).read(), [open(path).read() for path in many]]))\n",
        "code/tell.py",
    )
    made = project.compile(
        "inputs:\n  word: {type: string}\n  file: {type: file}\n  many: {type: file, many: true}\n"
        "steps:\n  a:\n    code: code\n"
        "    run: >\n"
        "      python tell.py ${{ outputs.o }} ${{ inputs.word }} ${{ inputs.file }} ${{ inputs.many }}\n"
        "    outputs: {o: {type: file}}\n"
    )
    given = {"word": hostile, "file": tmp_path / "in {put}.txt", "many": [tmp_path / "in {put}.txt"] * 2}
    job = client.submit(submission(made, tmp_path / "bundle", inputs=given))

    assert "succeeded" == wait(client, job).state, client.log(job, "a")
    fetched = client.fetch(job, "a", "o", record(client, job, "a"), tmp_path / "here")
    assert repr([hostile, "of the file\n", ["of the file\n"] * 2]) == fetched.read_text()


def test_too_much_input_is_refused_with_the_way_out(project: Project, client: DatabricksClient, tmp_path: Path) -> None:
    made = project.compile('inputs:\n  x: {type: string}\nsteps:\n  a: {run: [echo, "${{ inputs.x }}"]}\n')

    with pytest.raises(SpecflowError) as told:
        client.submit(submission(made, tmp_path / "bundle", inputs={"x": "y" * 12_000}))

    assert "the inputs given take 12051 bytes as job parameters, and Databricks allows 10000" == told.value.message
    assert "pass a file instead of many values" == told.value.help


def test_a_cancelled_run_ends_what_runs_and_starts_nothing(
    project: Project, client: DatabricksClient, tmp_path: Path
) -> None:
    made = project.compile("steps:\n  a: {run: [sleep, '60']}\n  b: {run: [echo, hi], after: [a]}\n")
    job = client.submit(submission(made, tmp_path / "bundle"))
    while client.status(job).steps["a"].state != "running":
        pass
    client.cancel(job)
    status = wait(client, job)

    assert "cancelled" == status.state
    assert {"a": "cancelled", "b": "not run"} == states_of(status)


def test_a_failure_starts_nothing_new_though_the_platform_runs_a_step_itself(
    project: Project, client: DatabricksClient, tmp_path: Path
) -> None:
    project.write("# Databricks notebook source\nraise SystemExit(3)\n", "bad.py")
    project.write("# Databricks notebook source\nprint(1)\n", "good.py")
    head = "concurrency: 1\nfail_fast: true\nsteps:\n"
    first = client.submit(
        submission(project.compile(f"{head}  a: {{notebook: bad.py}}\n  b: {{run: [echo, hi]}}\n"), tmp_path / "1")
    )
    ended = wait(client, first)
    other = project.compile(f"{head}  a: {{run: [cat, nowhere]}}\n  b: {{notebook: good.py}}\n")
    second = client.submit(submission(other, tmp_path / "2", "20260101-120000-ffffff"))

    assert ["failed", "failed"] == [ended.state, wait(client, second).state]
    for job in (first, second):
        told = {step: record(client, job, step) for step in ("a", "b")}
        assert {"a": "failed", "b": "skipped"} == {step: one["state"] for step, one in told.items()}
        assert FAIL_FAST == told["b"]["reason"]


def test_a_source_notebook_imports_what_lies_beside_it(
    project: Project, client: DatabricksClient, tmp_path: Path
) -> None:
    project.write("# Databricks notebook source\nimport helper\nprint(helper.WORD)\n", "lib/look.py")
    project.write("WORD = 'from beside'\n", "lib/helper.py")
    made = project.compile("steps:\n  look: {notebook: lib/look.py, code: lib}\n")

    job = client.submit(submission(made, tmp_path / "bundle"))

    assert "succeeded" == wait(client, job).state
    assert "from beside" in client.log(job, "look")


# It takes notes of what it finds where its outputs go, writes there, and fails at first, or until somebody mends it.
LITTERS = """\
# Databricks notebook source
import os
place = dbutils.widgets.get
with open(place("seen"), "a") as seen:
    seen.write(f"{os.listdir(place('made'))} {os.path.exists(place('word'))} {os.path.exists(place('extra'))}\\n")
with open(place("seen")) as seen:
    tries = len(seen.readlines())
for path in (place("made") + "/part", place("word"), *([place("extra")] if tries == 1 else [])):
    with open(path, "w") as stream:
        stream.write(str(tries))
if tries == 1 or not os.path.exists(place("mark")):
    raise SystemExit(3)
"""
LITTERING = """\
steps:
  look:
    notebook: look.py
    inputs: {{seen: "{folder}/seen", mark: "{folder}/mark"}}
    outputs: {{made: {{type: folder}}, word: {{type: string}}, extra: {{type: file, format: txt, optional: true}}}}
    retry: {{attempts: 2}}
"""


def test_an_attempt_at_a_source_notebook_finds_nothing_of_the_one_before(
    project: Project, client: DatabricksClient, tmp_path: Path
) -> None:
    project.write(LITTERS, "look.py")
    (tmp_path / "mark").touch()

    job = client.submit(submission(project.compile(LITTERING.format(folder=tmp_path)), tmp_path / "bundle"))

    assert "succeeded" == wait(client, job).state
    assert ["[] False False"] * 2 == (tmp_path / "seen").read_text().splitlines()
    told = record(client, job, "look")
    assert (2, {"word": "2"}, ["made"]) == (told["attempts"], told["values"], list(told["outputs"]))
    assert "2" == (client.fetch(job, "look", "made", told, tmp_path / "here") / "part").read_text()


@pytest.mark.parametrize("is_in_portal", [False, True])
def test_a_repaired_source_notebook_finds_nothing_of_the_run_that_failed(
    project: Project, client: DatabricksClient, tmp_path: Path, *, is_in_portal: bool
) -> None:
    project.write(LITTERS, "look.py")
    job = client.submit(submission(project.compile(LITTERING.format(folder=tmp_path)), tmp_path / "bundle"))
    assert "failed" == wait(client, job).state

    (tmp_path / "mark").touch()
    if is_in_portal:  # which runs again what has failed, and does not decide anew
        client.api.call("POST", "/api/2.2/jobs/runs/repair", {"run_id": int(job), "rerun_all_failed_tasks": True})
    else:
        client.resume(job, ("look",))

    assert "succeeded" == wait(client, job).state
    assert ["[] False False"] * 3 == (tmp_path / "seen").read_text().splitlines()
    told = record(client, job, "look")
    assert ({"word": "3"}, ["made"]) == (told["values"], list(told["outputs"]))


def test_a_decision_that_can_not_be_made_is_a_failed_step(
    project: Project, client: DatabricksClient, tmp_path: Path
) -> None:
    project.write("# Databricks notebook source\nprint(1)\n", "look.py")
    made = project.compile(
        "inputs: {day: {type: string}}\nsteps:\n  look: {notebook: look.py, inputs: {d: '${{ inputs.day }}'}}\n"
    )

    job = client.submit(submission(made, tmp_path / "bundle"))

    assert "failed" == wait(client, job).state
    assert 'the pipeline\'s input "day" needs a value, and has been given none' == record(client, job, "look")["reason"]


def test_a_word_that_only_the_cli_resolves_is_told(project: Project, client: DatabricksClient, tmp_path: Path) -> None:
    made = project.compile(
        "steps:\n  a: {run: [echo, hi], x-databricks: {description: 'of ${resources.jobs.other.id}'}}\n"
    )

    with pytest.raises(SpecflowError) as told:
        client.submit(submission(made, tmp_path / "bundle"))

    assert (
        'tasks.description holds "${resources.jobs.other.id}", which only the Databricks CLI resolves'
        == told.value.message
    )
    assert "deploy the bundle with: databricks bundle deploy" == told.value.help


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_faults_leave_one_job_one_run_and_the_right_end(seed: int, project: Project, tmp_path: Path) -> None:
    """Of the calls 1 in 5 is throttled and 1 in 20 has its connection dropped, once it was carried out."""
    faults = [
        Fault(kind="throttle", share=0.2, seed=seed, seconds=0.0),
        Fault(kind="reset", share=0.05, seed=seed + 100, handled=True),
    ]
    emulated = Emulated(tmp_path / "emulator", {}, limit=4, faults=faults)
    emulated.start()
    try:
        client = open_client(emulated.settings)
        mark = tmp_path / "mended"
        if seed % 2:
            mark.touch()
        made = project.compile(MENDED.format(mark=mark))
        once = submission(made, tmp_path / "bundle")
        job = client.submit(once)
        assert job == client.submit(once)
        status = wait(client, job, limit_s=300)

        assert ("succeeded" if seed % 2 else "failed") == status.state
        assert 1 == len(all_jobs(emulated))
        assert 1 == len(all_runs(emulated))
        if not seed % 2:
            mark.touch()
            client.resume(job, ("b",))
            assert "succeeded" == wait(client, job, limit_s=300).state
            assert 2 == len(all_runs(emulated)[0].repairs)
    finally:
        emulated.stop()


@pytest.mark.long
def test_a_job_of_a_thousand_tasks_compiles_deploys_and_runs(
    project: Project, client: DatabricksClient, tmp_path: Path
) -> None:
    project.write(
        'specflow: 1\nname: say\ninputs: {n: {type: integer}}\nrun: [echo, "${{ inputs.n }}"]\n', "say/step.yaml"
    )
    numbers = ", ".join(str(number) for number in range(999))
    made = project.compile(
        f"steps:\n  first: {{run: [echo, hi]}}\n"
        f'  say: {{uses: say, after: [first], matrix: {{n: [{numbers}]}}, inputs: {{n: "${{{{ matrix.n }}}}"}}}}\n'
    )
    assert () == made.findings
    once = submission(made, tmp_path / "bundle")
    client.deploy("demo", once.folder, made.native, "a" * 64)
    job = client.submit(once)
    status = wait(client, job, limit_s=1800)

    assert "succeeded" == status.state
    assert {"succeeded": 1000} == {
        state: list(states_of(status).values()).count(state) for state in set(states_of(status).values())
    }


def test_a_run_does_not_hang_on_what_is_nowhere_documented(project: Project, tmp_path: Path) -> None:
    """Scripts don't know their file, their folder is off the path, every exit fails, one attempt of each is listed."""
    flipped = replace(
        Assumptions(),
        task_keys_may_hold_hyphens=False,
        child_output_is_logged=True,
        scripts_know_their_file=False,
        script_folder_is_on_path=False,
        system_exit_follows_its_code=False,
        failed_run_is_internal_error=False,
        earlier_attempts_are_listed=False,
        excluded_counts_as_success=False,
    )
    emulated = Emulated(tmp_path / "emulator", {}, assumptions=flipped)
    emulated.start()
    try:
        client = open_client(emulated.settings)
        mark = tmp_path / "mended"
        job = client.submit(submission(project.compile(MENDED.format(mark=mark)), tmp_path / "bundle"))
        assert "failed" == wait(client, job).state
        mark.touch()
        client.resume(job, ("b",))

        assert "succeeded" == wait(client, job).state
    finally:
        emulated.stop()
