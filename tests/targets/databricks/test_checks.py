"""What can't be taken is told before anything is sent: which limit, where in the spec, and the way out."""

from __future__ import annotations

import pytest

from tests.targets.databricks.project import Project, job_of

STEP = "steps:\n  a: {run: [echo, hi]}\n"


def test_a_thousand_and_one_tasks_are_refused_with_the_way_out(project: Project) -> None:
    numbers = ", ".join(str(number) for number in range(1001))
    told = project.told(f'steps:\n  a: {{run: [echo, "${{{{ matrix.n }}}}"], matrix: {{n: [{numbers}]}}}}\n')

    assert [
        "pipeline.yaml:3:1: error: it takes 1001 tasks, and a job on Databricks has at most 1000 [platform-limit]; "
        "make steps that do more at once, or split the pipeline in two"
    ] == told


def test_a_thousand_tasks_are_taken(project: Project) -> None:
    numbers = ", ".join(str(number) for number in range(1000))

    assert [] == project.told(f'steps:\n  a: {{run: [echo, "${{{{ matrix.n }}}}"], matrix: {{n: [{numbers}]}}}}\n')


def test_parameters_over_ten_thousand_bytes_are_refused(project: Project) -> None:
    inputs = "".join(f"  {'long_name_' * 5}{number}: {{type: string, default: {'y' * 480}}}\n" for number in range(20))

    assert [
        "pipeline.yaml:3:1: error: the inputs take 10871 bytes as job parameters, and Databricks allows 10000 "
        "[platform-limit]; pass a file instead of many values"
    ] == [line for line in project.told(f"inputs:\n{inputs}{STEP}") if "job parameters" in line]


def test_parameters_of_a_task_over_ten_thousand_bytes_are_refused(project: Project) -> None:
    names = [f"a_rather_long_name_for_an_input_number_{number:03d}" for number in range(100)]
    inputs = "".join(f"  {name}: {{type: integer, default: 1}}\n" for name in names)
    command = ", ".join(f'"${{{{ inputs.{name} }}}}"' for name in names)
    told = project.told(f"inputs:\n{inputs}steps:\n  a: {{run: [echo, {command}]}}\n")

    assert [
        'pipeline.yaml:105:3: error: "a" takes 11890 bytes of parameters, and Databricks allows 10000 '
        "[platform-limit]; pass a file instead of many values"
    ] == told


def test_a_limit_that_the_platform_can_not_hold_is_refused(project: Project) -> None:
    """The launcher's own minute comes on top of a step's."""
    found = project.told(
        "timeout: 24856d\nsteps:\n  a: {run: [echo, hi], timeout: 35791394m}\n  b: {run: [echo, hi], timeout: 24855d}\n"
    )

    way_out = "and Databricks takes at most 2147483647 [platform-limit]; leave it out: then nothing ends it"
    assert [
        f"pipeline.yaml:3:1: error: it would be given 2147558400 s, {way_out}",
        f"pipeline.yaml:5:24: error: it would be given 2147483700 s, {way_out}",
    ] == found


def test_more_tags_than_a_job_may_have_are_refused(project: Project) -> None:
    tags = ", ".join(f"t{number}: x" for number in range(25))

    assert [
        "pipeline.yaml:3:1: error: 28 tags, specflow's own among them, and a job on Databricks has at most 25 "
        "[platform-limit]; leave some out"
    ] == project.told(f"tags: {{{tags}}}\n{STEP}")


@pytest.mark.parametrize(
    ("name", "text", "column", "told"),
    [
        ("team/ml", "x", 8, 'the name of a tag holds "/", which Databricks does not take there'),
        ("team\u2019s", "x", 8, 'the name of a tag holds "\u2019", which Databricks does not take there'),
        ("n" * 513, "x", 8, "the name of a tag has 513 characters, and Databricks takes at most 512"),
        ("team", "y" * 257, 14, "the text of a tag has 257 characters, and Databricks takes at most 256"),
        ("team", "Wrocław", 14, 'the text of a tag holds "ł", which Databricks does not take there'),
    ],
)
def test_a_tag_that_the_platform_does_not_take_is_refused(
    project: Project, name: str, text: str, column: int, told: str
) -> None:
    assert [f"pipeline.yaml:3:{column}: error: {told} [platform-limit]; write it in another way"] == project.told(
        f"tags: {{{name}: {text}}}\n{STEP}"
    )


def test_tags_that_the_platform_takes_are_left_alone(project: Project) -> None:
    assert [] == project.told(f"tags: {{cost center: 'R&D <50%; Zürich/1+1?', {'n' * 512}: {'y' * 256}}}\n{STEP}")


def test_a_description_that_is_too_long_is_refused(project: Project) -> None:
    assert [] == project.told(f"description: {'y' * 27_700}\n{STEP}")
    assert [
        "pipeline.yaml:3:1: error: the description has 27701 characters, and a job on Databricks at most 27700 "
        "[platform-limit]; shorten it"
    ] == project.told(f"description: {'y' * 27_701}\n{STEP}")


def test_a_name_that_no_task_can_have_is_refused(project: Project) -> None:
    project.write(f"specflow: 1\nname: inner\nsteps:\n  {'b' * 60}: {{run: [echo, hi]}}\n", "inner.yaml")

    assert [
        f'inner.yaml:4:3: error: a task on Databricks would be named "{"a" * 50}__{"b" * 60}", with 112 characters '
        "of at most 100 [platform-limit]; shorten one of the names"
    ] == project.told(f"steps:\n  {'a' * 50}: {{uses: inner.yaml}}\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("description: Reads {{job.id}}.\n", "pipeline.yaml:3:14"),
        ("description: Reads ${var.x}.\n", "pipeline.yaml:3:14"),
        ("tags: {team: '${var.x}'}\n", "pipeline.yaml:3:14"),
    ],
)
def test_what_the_platform_takes_for_a_reference_is_refused(project: Project, text: str, line: str) -> None:
    sign = "{{" if "{{" in text else "${"

    assert [
        f'{line}: error: "{sign}" is taken for a reference on Databricks, and can\'t be escaped here '
        "[platform-reference]; write it in another way"
    ] == project.told(text + STEP)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("data: {d: {type: file, location: 'a${x}.csv'}}\nsteps:\n  a: {run: [cat, '${{ data.d }}']}\n", "3:34"),
        (
            "data: {d: {type: file, location: {databricks: '/Volumes/m/d/v/{{x}}'}}}\n"
            "steps:\n  a: {run: [cat, '${{ data.d }}']}\n",
            "3:47",
        ),
        (
            "inputs: {f: {type: file, default: 'a${x}.csv'}}\nsteps:\n  a: {run: [cat, '${{ inputs.f }}']}\n",
            "3:35",
        ),
        ("steps:\n  a: {notebook: 'a${x}.py'}\n", "4:7"),
    ],
)
def test_a_name_that_a_bundle_would_put_something_for_is_refused(project: Project, text: str, place: str) -> None:
    project.write("1\n", "a${x}.csv")
    project.write("# Databricks notebook source\n", "a${x}.py")
    sign = "{{" if "{{x" in text else "${"

    assert [
        f'pipeline.yaml:{place}: error: "{sign}" is taken for a reference on Databricks, and can\'t be escaped here '
        "[platform-reference]; write it in another way"
    ] == project.told(text)


def test_a_variable_of_a_profile_that_a_bundle_would_take_for_a_reference_is_refused(project: Project) -> None:
    project.write(
        "specflow: 1\nprofile: p\nprofiles:\n  p:\n    variables: {fine: '{{a}}', bad: 'x${y}'}\n", "specflow.yaml"
    )

    assert [
        'specflow.yaml:5:37: error: "${" is taken for a reference on Databricks, and can\'t be escaped here '
        "[platform-reference]; write it in another way"
    ] == project.told(STEP)


def test_a_variable_of_a_profile_that_has_a_name_of_ours_is_refused(project: Project) -> None:
    project.write("specflow: 1\nprofiles:\n  dev:\n    variables: {specflow_store: x}\n", "specflow.yaml")

    assert [
        'specflow.yaml:4:17: error: "specflow_store" is a variable of specflow\'s own in a bundle [bad-name]; '
        "give it another name"
    ] == project.told(STEP, "dev")


def test_a_parameter_may_hold_whatever_it_likes(project: Project) -> None:
    told = project.told(
        'inputs:\n  x: {type: string, default: "{{job.id}} ${var.x}"}\nsteps:\n  a: {run: [echo, "${{ inputs.x }}"]}\n'
    )

    assert [] == told


def test_a_schedule_in_the_hour_of_a_clock_change_is_told(project: Project) -> None:
    assert [
        'pipeline.yaml:3:18: warning: it fires at times that a clock change in "Europe/Berlin" leaves out or repeats '
        "[clock-change]; Databricks may then fire once more or not at all; choose another time, or UTC"
    ] == project.told(f'schedule: {{cron: "30 2 * * *", timezone: Europe/Berlin}}\n{STEP}')


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (
            "env: {A: b}",
            "6:5: error: databricks: a Databricks source notebook gets no `env` of its step [unsupported]; "
            "give it what it needs as inputs, which are its widgets",
        ),
        (
            "secrets: [TOKEN]",
            "6:5: error: databricks: a Databricks source notebook gets no `secrets` of its step [unsupported]; "
            "read them in the notebook: dbutils.secrets.get(scope, key)",
        ),
        (
            "environment: {dependencies: [tabulate]}",
            "6:5: error: databricks: on serverless compute a source notebook has its environment inside it "
            "[unsupported]; install packages in the notebook, by %pip, or give it a compute that is a cluster",
        ),
        (
            "retry: {attempts: 2, delay: 1m}",
            "6:5: warning: databricks: a step that the platform runs itself is tried again `delay` after the attempt "
            "before began, without `backoff` [approximated]",
        ),
        ("retry: {attempts: 2}", None),
        ("environment: {dependencies: [tabulate]}\n    compute: big", None),
    ],
)
def test_what_a_source_notebook_can_not_have_is_told(project: Project, keys: str, told: str | None) -> None:
    project.write("# Databricks notebook source\nprint(1)\n", "look.py")

    found = project.told(f"computes: {{big: {{cpus: 4}}}}\nsteps:\n  look:\n    {keys}\n    notebook: look.py\n")

    assert ([] if told is None else [f"pipeline.yaml:{told}"]) == found


def test_attempts_at_a_native_step_that_share_a_place_are_told(project: Project) -> None:
    native = "target: databricks, x-databricks: {pipeline_task: {pipeline_id: abc}}, outputs: {o: {type: file}}"
    found = project.told(f"steps:\n  look: {{{native}, retry: {{attempts: 2}}}}\n")

    assert [
        "pipeline.yaml:4:109: warning: databricks: all attempts at a native step write to one place, and may find what "
        "one before left [approximated]; have it replace what is there"
    ] == found


def test_a_need_that_no_machine_meets_is_told(project: Project) -> None:
    assert [
        'pipeline.yaml:6:3: error: step "a": no node type known here has 500 cpus; name one in the profile '
        "[unknown-compute]"
    ] == project.told("computes:\n  big: {cpus: 500}\nsteps:\n  a: {run: [echo, hi], compute: big}\n")


def test_a_python_that_no_environment_has_is_told(project: Project) -> None:
    assert [
        'pipeline.yaml:4:3: error: step "a": no serverless environment known here has Python "<3.9" [unknown-compute]; '
        "ask for another version, or for a job cluster"
    ] == project.told("steps:\n  a: {run: [echo, hi], environment: {python: '<3.9'}}\n")


@pytest.mark.parametrize(
    ("runtime", "told"),
    [
        (
            "16.4.x-scala2.12",
            [
                'pipeline.yaml:4:3: error: step "a": the runtime "16.4.x-scala2.12" has Python 3.12.3, and not '
                '"==3.11.*" [unknown-compute]'
            ],
        ),
        ("15.4.x-photon-scala2.12", []),
        (
            "99.1.x-scala2.13",
            [
                "pipeline.yaml:4:38: warning: databricks: nothing here knows which Python the runtime "
                '"99.1.x-scala2.13" has, and "==3.11.*" is not checked [approximated]; look it up in the workspace'
            ],
        ),
    ],
)
def test_a_runtime_that_has_another_python_is_told(project: Project, runtime: str, told: list[str]) -> None:
    project.write(
        f"specflow: 1\nprofiles: {{dev: {{computes: {{big: {{databricks: {{spark_version: {runtime}}}}}}}}}}}\n",
        "specflow.yaml",
    )
    step = "steps:\n  a: {run: [echo, hi], compute: big, environment: {python: '==3.11.*'}}\n"

    assert told == project.told(step, "dev")


def test_a_python_that_nobody_checks_is_told(project: Project) -> None:
    project.write("specflow: 1\nprofiles: {dev: {computes: {big: {databricks: 0123-abc}}}}\n", "specflow.yaml")
    steps = (
        "steps:\n"
        "  a: {run: [echo, hi], compute: big, environment: {python: '==3.11.*'}}\n"
        "  b: {run: [echo, hi], compute: big, environment: {dependencies: [pandas]}}\n"
    )

    assert [
        'pipeline.yaml:4:38: warning: databricks: nothing here knows which Python the cluster "0123-abc" has, and '
        '"==3.11.*" is not checked [approximated]; look it up in the workspace'
    ] == project.told(steps, "dev")


def test_a_pool_decides_about_spot_machines(project: Project) -> None:
    project.write(
        "specflow: 1\nprofiles: {dev: {computes: {big: {databricks: {instance_pool_id: P1}}}}}\n", "specflow.yaml"
    )
    text = "computes: {big: {spot: true}}\nsteps:\n  a: {run: [echo, hi], compute: big}\n"

    assert [
        'pipeline.yaml:5:24: warning: databricks: the instance pool "P1" decides whether machines may be taken away '
        "[approximated]; look it up there"
    ] == project.told(text, "dev")
    job = job_of(project.compile(text, "dev"))
    assert "azure_attributes" not in job["job_clusters"][0]["new_cluster"]


def test_an_environment_that_the_profile_does_not_know_here_is_told(project: Project) -> None:
    project.write('specflow: 1\nprofiles: {dev: {environments: {e: {azureml: "azureml:e:1"}}}}\n', "specflow.yaml")

    assert [
        'pipeline.yaml:4:3: error: the profile says nothing of the environment "e" for databricks '
        "[unknown-environment]; add a databricks: entry to it"
    ] == project.told("steps:\n  a: {run: [echo, hi], environment: e}\n", "dev")


REGISTERED = """\
specflow: 1
profiles:
  dev:
    environments:
      base: {databricks: /Workspace/Shared/env.yaml}
      spec: {databricks: {dependencies: [pandas]}}
      libs: {databricks: {libraries: [{pypi: {package: pandas}}]}}
      both: {databricks: {dependencies: [pandas], libraries: [{pypi: {package: pandas}}]}}
"""


@pytest.mark.parametrize("name", ["base", "spec"])
def test_an_environment_of_serverless_compute_is_none_of_a_cluster(project: Project, name: str) -> None:
    project.write(REGISTERED, "specflow.yaml")

    assert [
        f'pipeline.yaml:6:3: error: step "a" runs on a cluster, and the profile says of "{name}" only what serverless '
        "compute takes [unknown-environment]; add libraries: […] to its databricks: entry"
    ] == project.told(
        f"computes:\n  big: {{cpus: 4}}\nsteps:\n  a: {{run: [echo, hi], compute: big, environment: {name}}}\n", "dev"
    )


def test_an_environment_of_a_cluster_is_none_of_serverless_compute(project: Project) -> None:
    project.write(REGISTERED, "specflow.yaml")

    assert [
        'pipeline.yaml:4:3: error: step "a" runs on serverless compute, and the profile says of "libs" only what '
        "clusters take [unknown-environment]; add dependencies: […] to its databricks: entry"
    ] == project.told("steps:\n  a: {run: [echo, hi], environment: libs}\n", "dev")


def test_an_environment_may_say_both_what_clusters_and_what_serverless_compute_take(project: Project) -> None:
    project.write(REGISTERED, "specflow.yaml")
    job = project.job(
        "computes:\n  big: {cpus: 4}\n"
        "steps:\n"
        "  a: {run: [echo, hi], compute: big, environment: both}\n"
        "  b: {run: [echo, hi], environment: both}\n",
        "dev",
    )

    assert [{"pypi": {"package": "pandas"}}] == job["tasks"][0]["libraries"]
    assert [{"environment_version": "4", "dependencies": ["pandas"]}] == [one["spec"] for one in job["environments"]]


def test_a_secret_without_scope_and_key_is_told(project: Project) -> None:
    project.write("specflow: 1\nprofiles: {dev: {secrets: {S: {databricks: {name: s}}}}}\n", "specflow.yaml")

    assert [
        'pipeline.yaml:4:3: error: the profile binds the secret "S" without a scope and a key [secret-unavailable]; '
        "write databricks: {scope: ml, key: token}"
    ] == project.told("steps:\n  a: {run: [echo, hi], secrets: [S]}\n", "dev")


def test_data_that_is_not_to_be_had_there_is_told(project: Project) -> None:
    project.write("x", "t.csv")
    told = project.told(
        "data:\n"
        "  a: {type: file, location: {azureml: 'azureml://datastores/x/paths/t'}}\n"
        "  b: {type: file, location: {local: t.csv, databricks: 'abfss://x@y.dfs.core.windows.net/t'}}\n"
        "  c: {type: file, location: {local: t.csv, databricks: u.csv}}\n"
        'steps:\n  s: {run: [cat, "${{ data.a }}", "${{ data.b }}", "${{ data.c }}"]}\n'
    )

    assert [
        'pipeline.yaml:4:29: error: the data "a" has no location for "databricks" [data-elsewhere]; '
        "add databricks: /Volumes/…, or a path in the project",
        'pipeline.yaml:5:29: error: databricks reads data on volumes, not at "abfss://x@y.dfs.core.windows.net/t" '
        "[data-elsewhere]; give the same place as a path: /Volumes/…",
        'pipeline.yaml:6:56: error: there is no "u.csv" at the location for "databricks" [data-missing]; '
        "paths start from the file that names them",
    ] == told


def test_data_that_the_workspace_would_make_notebooks_of_is_refused(project: Project) -> None:
    project.write("# Databricks notebook source\n", "a.py")
    project.write("-- Databricks notebook source\n", "many/b.sql")
    project.write("x = 1\n", "many/c.py")
    project.write("{}", "d.ipynb")
    told = project.told(
        "inputs: {d: {type: file, default: d.ipynb}}\n"
        "data:\n"
        "  a: {type: file, location: a.py}\n"
        "  b: {type: folder, location: {local: many, databricks: many}}\n"
        "  e: {type: file, location: {local: d.ipynb, databricks: /Volumes/main/ml/d.ipynb}}\n"
        "steps:\n"
        "  s:\n"
        '    run: [cat, "${{ data.a }}", "${{ data.b }}", "${{ data.e }}", "${{ inputs.d }}"]\n'
    )

    place = "and would drop the end of its name [data-elsewhere]; put it on a volume: databricks: /Volumes/…"
    assert [
        f'pipeline.yaml:5:29: error: the workspace takes "a.py" for a notebook, {place}',
        f'pipeline.yaml:6:57: error: the workspace takes "b.sql" for a notebook, {place}',
        f'pipeline.yaml:3:35: error: the workspace takes "d.ipynb" for a notebook, {place}',
    ] == told


def test_data_that_its_own_location_serves_on_every_platform_travels(project: Project) -> None:
    project.write("x", "t.csv")

    assert [] == project.told(
        'data:\n  a: {type: file, location: {local: t.csv}}\nsteps:\n  s: {run: [cat, "${{ data.a }}"]}\n'
    )


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        (
            "{spark_python_task: {python_file: other.py}}",
            'pipeline.yaml:4:59: error: "spark_python_task.python_file" says what the step is and what it runs, and '
            "can't be patched [patch-refused]; say it in the language, or make it a native step",
        ),
        (
            "{notebook_task: {notebook_path: other}}",
            'pipeline.yaml:4:39: error: "notebook_task" says what the step is and what it runs, and can\'t be patched '
            "[patch-refused]; say it in the language, or make it a native step",
        ),
        (
            "{environment_key: other}",
            'pipeline.yaml:4:39: warning: "environment_key" replaces what was compiled from the spec [patch-replaces]; '
            "leave it out, or leave out what it was compiled from",
        ),
        (
            "{environment_key: null}",
            'pipeline.yaml:4:39: warning: "environment_key" removes what was compiled from the spec [patch-replaces]; '
            "leave it out, or leave out what it was compiled from",
        ),
    ],
)
def test_a_patch_adds_replaces_with_a_warning_and_leaves_the_command(
    project: Project, patch: str, expected: str
) -> None:
    assert [expected] == project.told(f"steps:\n  a: {{run: [echo, hi], x-databricks: {patch}}}\n")


def test_a_patch_of_the_job_leaves_its_name_its_tasks_and_its_tag(project: Project) -> None:
    told = project.told(
        f"x-databricks: {{name: other, tasks: [], tags: {{specflow: x}}, max_concurrent_runs: 4, tags2: 1}}\n{STEP}"
    )

    assert [
        ("error", "patch-refused"),
        ("error", "patch-refused"),
        ("error", "patch-refused"),
        ("warning", "patch-replaces"),
    ] == [(line.split(": ")[1], line.split("[")[-1].split("]")[0]) for line in told]


def test_a_native_step_of_another_platform_is_told(project: Project) -> None:
    told = project.told("steps:\n  a:\n    target: azureml\n    x-azureml: {type: automl}\n")

    assert [
        'pipeline.yaml:6:5: error: "a" is a native step of "azureml", and it is placed on "databricks" '
        "[native-elsewhere]; add target: azureml"
    ] == told
