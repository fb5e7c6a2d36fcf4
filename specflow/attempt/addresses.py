"""Files and folders at addresses, by the file systems of Spark's driver: what Spark reads and writes is seldom mounted.

Only a step that runs in the driver comes here; its process has pyspark, and a Java that knows the platform's stores.
Everything raises OSError for what a store refuses.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["below", "cancel_jobs", "fetch", "holds_something", "is_address", "make_empty", "put", "read", "write"]


def is_address(path: str) -> bool:
    """Return whether a path is an address, and not a place in this machine's own file system."""
    return "://" in path


def below(folder: str, name: str) -> str:
    """Return the address of something in a folder."""
    return f"{folder.rstrip('/')}/{name}"


def holds_something(address: str) -> bool:
    """Return whether there is a file at an address, or a folder that is not empty."""
    with _opened(address) as (system, path, _):
        if not system.exists(path):
            return False
        return not system.getFileStatus(path).isDirectory() or len(system.listStatus(path)) > 0


def make_empty(address: str) -> None:
    """Make an empty folder at an address, whatever stood there."""
    with _opened(address) as (system, path, _):
        system.delete(path, True)
        system.mkdirs(path)


def put(source: str, address: str) -> None:
    """Copy a file or folder of this machine to an address, in place of what stood there."""
    with _opened(address) as (system, path, jvm):
        system.delete(path, True)
        system.mkdirs(path.getParent())
        system.copyFromLocalFile(False, True, _own(jvm, source), path)


def fetch(address: str, place: str) -> None:
    """Copy what stands at an address to a place on this machine; raise FileNotFoundError if there is nothing."""
    with _opened(address) as (system, path, jvm):
        if not system.exists(path):
            raise FileNotFoundError(f"there is nothing at {address}")
        system.copyToLocalFile(False, path, _own(jvm, place), True)


def read(address: str) -> str:
    """Return the text of a file at an address."""
    with tempfile.TemporaryDirectory(prefix="specflow-") as folder:
        place = os.path.join(folder, "text")
        fetch(address, place)
        with open(place, encoding="utf-8") as stream:
            return stream.read()


def write(text: str, address: str) -> None:
    """Write a text file to an address."""
    with tempfile.TemporaryDirectory(prefix="specflow-") as folder:
        place = os.path.join(folder, "text")
        with open(place, "w", encoding="utf-8") as stream:
            stream.write(text)
        put(place, address)


def cancel_jobs() -> None:
    """Cancel what Spark computes for this process, if it does; another thread that waits for it then fails."""
    import sys

    spark = sys.modules.get("pyspark")
    context = getattr(spark.SparkContext, "_active_spark_context", None) if spark is not None else None
    if context is not None:
        context.cancelAllJobs()


def _own(jvm: Any, place: str) -> Any:
    """Return a path of this machine as Hadoop's, whatever characters it has."""
    return jvm.org.apache.hadoop.fs.Path(jvm.java.io.File(os.path.abspath(place)).toURI())


@contextmanager
def _opened(address: str) -> Iterator[tuple[Any, Any, Any]]:
    """Yield the file system of an address, its path there, and the Java that has both.

    No session is started for it: the step may want to start its own, with settings of its own.
    """
    try:
        from py4j.protocol import Py4JError
        from pyspark import SparkContext
    except ImportError:
        raise OSError(f"it takes Spark to get at {address}, and there is none here") from None
    try:
        SparkContext._ensure_initialized()
        jvm: Any = SparkContext._jvm
        spark = jvm.org.apache.spark
        conf = spark.deploy.SparkHadoopUtil.get().newConfiguration(spark.SparkConf())
        path = jvm.org.apache.hadoop.fs.Path(address)
        yield path.getFileSystem(conf), path, jvm
    except Py4JError as failure:
        said = getattr(failure, "java_exception", None)
        raise OSError(f"{address}: {said.toString() if said is not None else failure}") from failure
