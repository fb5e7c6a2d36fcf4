"""A Python file for Spark as a process: the same script that a cluster runs, on the machine that it is started on.

It is started as a plain Python process, and pyspark starts Spark when the script asks for a session. `spark-submit`
would start the script from Java, which decodes its arguments by the locale: they would not arrive byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["spark_variables"]


def spark_variables(spark: Mapping[str, Any], folder: str, python: str) -> dict[str, str]:
    """Return the variables by which `SparkSession.builder.getOrCreate()` gives a session on this machine alone.

    `cpus` bounds its threads; None leaves it all the cores. Its temporary files go into `folder`, which goes with the
    attempt. It listens on loopback, and shows no page: steps that run at once would fight for the port.
    """
    master = f"local[{spark['cpus'] or '*'}]"
    return {
        "PYSPARK_SUBMIT_ARGS": f"--master {master} --conf spark.ui.enabled=false pyspark-shell",
        "PYSPARK_PYTHON": python,
        "PYSPARK_DRIVER_PYTHON": python,
        "SPARK_LOCAL_DIRS": folder,
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
