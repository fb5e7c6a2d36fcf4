# Databricks notebook source
dbutils.widgets.text("word", "")  # noqa: F821
# COMMAND ----------
assert dbutils.widgets.get("word") == "hello"  # noqa: F821
