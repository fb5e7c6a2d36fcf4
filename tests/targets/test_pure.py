"""Compiling asks nothing but the project: no clock, no network, no chance, no variable of who compiles."""

from __future__ import annotations

import os
import random
import secrets
import socket
import time
import uuid
from pathlib import Path

import pytest

from specflow.plan import Plan
from specflow.spec.load import Loader
from specflow.stages import make_plan, validate

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))


class Closed(dict[str, str]):
    """An environment that tells nothing."""

    def __getitem__(self, key: str) -> str:
        raise AssertionError(f"asked for the variable {key}")

    def get(self, key: str, default: object = None) -> str:  # type: ignore[override]  # it never returns
        raise AssertionError(f"asked for the variable {key}")


def refuse(*_: object, **__: object) -> None:
    raise AssertionError("compiling asked for something beyond the project")


def compiled(spec: Path, target: str | None) -> Plan | None:
    return make_plan(validate(spec, Loader(spec.parent)), target)[0]


@pytest.mark.parametrize("target", ["local", "azureml", "databricks", None])
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_a_plan_hangs_on_the_project_alone(spec: Path, target: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    before = compiled(spec, target)  # what is imported late may look around
    for module, names in {
        time: ("time", "time_ns", "localtime", "gmtime"),
        random: ("random", "randint", "choice"),
        secrets: ("token_hex", "token_urlsafe"),
        uuid: ("uuid1", "uuid4"),
        socket: ("socket", "create_connection", "getaddrinfo", "gethostname"),
        os: ("getpid", "urandom", "cpu_count"),
    }.items():
        for name in names:
            monkeypatch.setattr(module, name, refuse)
    monkeypatch.setattr(os, "environ", Closed())

    after = compiled(spec, target)

    monkeypatch.undo()
    assert before is not None or spec.stem != "concrete_strength"
    assert (before is None) == (after is None)
    assert before is None or after is None or before.document == after.document
