"""Spark scripts here: the same script, Spark on this machine's cores."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from specflow.attempt.spark import spark_variables
from tests.local.conftest import Project

WORDS = """
    import sys
    from pyspark.sql import SparkSession, functions as F

    source, counts, suffix = sys.argv[1:]
    spark = SparkSession.builder.getOrCreate()
    words = spark.read.text(source).select(F.explode(F.split("value", " ")).alias("word"))
    table = words.groupBy("word").count().orderBy("word").coalesce(1)
    print(spark.sparkContext.master, [row["word"] for row in table.collect()])
    table.write{mode}.csv(counts)
    assert suffix == "it's $x\\n é", ascii(suffix)
    """


def wordcount(project: Project, mode: str) -> None:
    project.write("in.txt", "to be or\nnot to be\n")
    project.write("code/words.py", WORDS.format(mode=mode))
    project.pipeline(
        """
        count:
          engine: spark
          compute: two
          code: code
          run: ["words.py", "${{ data.text }}", "${{ outputs.counts }}", "it's $x\\n é"]
          outputs: {counts: {type: folder, format: csv}}
        """,
        "computes: {two: {cpus: 2}}\ndata: {text: {type: file, location: in.txt}}\n"
        "outputs: {counts: {from: '${{ steps.count.outputs.counts }}'}}\n",
    )


def test_cpus_bound_its_threads_and_none_leaves_it_all_cores() -> None:
    told = [spark_variables({"cpus": cpus}, "/tmp/x", "python")["PYSPARK_SUBMIT_ARGS"].split()[1] for cpus in (3, None)]

    assert ["local[3]", "local[*]"] == told


def test_no_java_is_told_before_anything_runs(project: Project, tmp_path: Path) -> None:
    project.write("code/words.py", "")
    project.pipeline(f"""
        first: {{run: touch {tmp_path}/ran}}
        count: {{engine: spark, code: code, run: words.py, env: {{JAVA_HOME: {tmp_path}}}}}
        """)

    done = project.call("run", "p.yaml")

    message = (
        f'"count" runs on Spark, which needs Java, and there is none in "{tmp_path}", its JAVA_HOME [missing-java]'
    )
    assert (1, True, False) == (done.returncode, message in done.stderr, (tmp_path / "ran").exists()), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "state"), [('.mode("overwrite")', "succeeded"), ("", "failed")])
def test_words_are_counted_into_a_folder_that_exists(project: Project, mode: str, state: str) -> None:
    pytest.importorskip("pyspark", reason='pip install "specflow[spark]"')
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java on PATH, or JAVA_HOME")
    wordcount(project, mode)

    runner = project.start("run", "p.yaml", "--format", "json")
    events, _ = runner.communicate(timeout=600)  # starting Java takes its time
    result = json.loads(events.splitlines()[-1])

    assert state == result["state"], project.log(result, "count")
    assert "local[2] ['be', 'not', 'or', 'to']" in project.log(result, "count")
    if state == "failed":
        assert "let Spark write with mode(" in events
        return
    files = {path.name: path for path in Path(result["outputs"]["counts"]).iterdir()}
    part = next(path for name, path in files.items() if name.startswith("part-"))
    assert "be,2\nnot,1\nor,1\nto,2\n" == part.read_text()
    assert "_SUCCESS" in files
