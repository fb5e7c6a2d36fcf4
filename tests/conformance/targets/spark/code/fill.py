"""Write a table of as many rows as were asked for; by Spark, if that alone gets to its place."""

import sys
from pathlib import Path

rows, table = int(sys.argv[1]), sys.argv[2]
if "://" in table:
    from pyspark.sql import SparkSession

    SparkSession.builder.getOrCreate().range(rows).coalesce(1).write.mode("overwrite").csv(table)
else:
    Path(table, "part-0.csv").write_text("".join(f"{row}\n" for row in range(rows)))
