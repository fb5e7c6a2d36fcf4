# Databricks notebook source
import pathlib

text = pathlib.Path(dbutils.widgets.get("data")).read_text()  # noqa: F821

# COMMAND ----------
dbutils.jobs.taskValues.set(key="auc", value=0.93)  # noqa: F821
dbutils.jobs.taskValues.set(key="shards", value=list(text))  # noqa: F821
dbutils.notebook.exit(text)  # noqa: F821
