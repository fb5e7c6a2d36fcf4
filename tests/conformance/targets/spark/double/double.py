"""Double the numbers of a table; by Spark, if that alone gets to them."""

import sys
from pathlib import Path

table, doubled = sys.argv[1:]
if "://" in table:
    from pyspark.sql import SparkSession

    rows = SparkSession.builder.getOrCreate().read.csv(table)
    rows.selectExpr("cast(2 * _c0 as int)").coalesce(1).write.mode("overwrite").csv(doubled)
else:
    rows = Path(table, "part-0.csv").read_text().split()
    Path(doubled, "part-0.csv").write_text("".join(f"{2 * int(row)}\n" for row in rows))
