"""Databricks: jobs on serverless or clusters, data on Unity Catalog volumes."""
