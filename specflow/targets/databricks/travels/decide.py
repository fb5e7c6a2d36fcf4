# Databricks notebook source
"""Decides whether a step runs that the platform runs by itself, and tells the values of its ports as task values."""

import importlib
import os
import sys

dbutils = globals()["dbutils"]  # the platform's own
given = dbutils.widgets.getAll()
note = given["specflow_note"]
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(note))), "launcher"))
beside = importlib.import_module("beside")
# Of the job's own parameters, which a notebook is given too and over its own, `specflow_root` is another folder.
options = [f"--run={given['specflow_run']}", f"--root={given['specflow_place']}", *given["specflow_options"].split()]
options += [f"--repair={given['specflow_repair']}"]
options += [f"--halt={given['specflow_halt']}"] if "specflow_halt" in given else []
options += [
    f"--{name.replace('.', '=', 1)}={text}" for name, text in given.items() if name.startswith(("input.", "data."))
]
values = beside.decide(note, options)
dbutils.jobs.taskValues.set("specflow_runs", "false" if values is None else "true")
for port, text in (values or {}).items():
    dbutils.jobs.taskValues.set(port, text)
