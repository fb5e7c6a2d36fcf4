"""ML pipelines written once, as vendor-neutral YAML specs; run here, on Azure ML or on Databricks."""

__version__ = "0.1.0"
