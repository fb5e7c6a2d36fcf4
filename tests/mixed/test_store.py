"""The exchange store is shown and cleaned; nothing goes that a kept run, or a job that may be used again, refers to."""

import json
import os
import time
from pathlib import Path

import fsspec
import pytest

from specflow.errors import UsageError
from specflow.history import ForeignRow, History
from specflow.targets.local.stored import Store, chosen, open_store
from specflow.targets.local.workspace import Workspace
from tests.local.conftest import Project

KEPT, GONE, OTHER = "20260103-000000-aaaaaa", "20260101-000000-bbbbbb", "20260102-000000-cccccc"


def history_of(folder: Path, *kept: str) -> History:
    """Return a history in which runs of the pipeline `p` are kept, and in which `GONE` has left a usable job."""
    workspace = Workspace(folder)
    workspace.open()
    history = History(workspace.history)
    for run in kept:
        history.begin_run(run, {"name": "p", "digest": "0", "steps": []}, {}, 0.0, os.getpid(), {})
        history.end_run(run, "succeeded", "", 1.0, {})
    records = {"s": {"named": {"o": {"azureml": "azureml://datastores/x/paths/y/p/guid-1/s/o"}}}}
    history.add_foreign(ForeignRow("k", GONE, "s", "c", "azureml", "j", "", "succeeded", records, 0.0))
    history.commit()
    return history


def fill(store: Store) -> None:
    for name in (f"p/{KEPT}-s", f"p/{GONE}-s", "p/guid-1", f"q/{OTHER}"):
        store.files.makedirs(f"{store.prefix}/{name}/s", exist_ok=True)
        store.files.pipe_file(f"{store.prefix}/{name}/s/o", b"12345")


@pytest.mark.parametrize("address", ["exchange", "memory://exchange", "file://{}/elsewhere"])
def test_only_what_nothing_refers_to_may_go(tmp_path: Path, address: str) -> None:
    store = open_store(address.format(tmp_path), tmp_path)
    fill(store)
    history = history_of(tmp_path, KEPT)
    found = {one.name: one for one in store.look(history)}
    free = sorted(one.name for one in chosen(found.values(), time.time()))

    assert {f"p/{KEPT}-s": True, f"p/{GONE}-s": False, "p/guid-1": True, f"q/{OTHER}": False} == {
        name: one.is_held for name, one in found.items()
    }
    assert [f"p/{GONE}-s", f"q/{OTHER}"] == free
    assert (5, 1, GONE) == (found["p/guid-1"].bytes, found["p/guid-1"].files, found["p/guid-1"].run)


def test_a_job_is_let_go_with_the_last_run_of_its_pipeline(tmp_path: Path) -> None:
    store = open_store("exchange", tmp_path)
    fill(store)
    found = store.look(history_of(tmp_path))

    assert {False} == {one.is_held for one in found}
    assert ["p/guid-1", f"p/{GONE}-s"] == sorted(
        (one.name for one in chosen(found, time.time(), run=GONE)), reverse=True
    )
    assert [] == list(chosen(found, time.time(), days=1))
    assert 4 == len(list(chosen(found, time.time() + 90_000, days=1)))


def test_a_protocol_that_is_not_allowed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as told:
        open_store("ftp://host/exchange", tmp_path)

    assert 'a store that begins with "ftp:" is not read' == told.value.message
    assert "ftp" in fsspec.available_protocols()


def test_a_dry_run_says_what_a_clean_then_does(project: Project) -> None:
    project.write("specflow.yaml", "specflow: 1\nprofile: dev\nprofiles: {dev: {store: {local: exchange}}}\n")
    fill(open_store("exchange", project.folder))
    history_of(project.folder, KEPT).close()
    dry = project.call("store", "clean", "--dry-run", "--format", "json")
    there = sorted(path.name for path in project.folder.glob("exchange/*/*"))
    wet = project.call("store", "clean")
    left = sorted(path.name for path in project.folder.glob("exchange/*/*"))

    assert [f"p/{GONE}-s", f"q/{OTHER}"] == sorted(json.loads(line)["name"] for line in dry.stdout.splitlines())
    assert [f"{GONE}-s", OTHER, f"{KEPT}-s", "guid-1"] == there
    assert "      10 B  in 2 files of 2 jobs gone" == wet.stdout.splitlines()[-1]
    assert [f"{KEPT}-s", "guid-1"] == left
    assert project.call("store", "show").stdout.splitlines()[-1] == "      10 B  in 2 files of 2 jobs"
