"""Double the numbers of a table, and add them up; by Spark, if that alone gets to them."""

import sys
from pathlib import Path

table, doubled, total = sys.argv[1:]
if "://" in table:
    from pyspark.sql import SparkSession

    rows = SparkSession.builder.getOrCreate().read.csv(table).selectExpr("cast(2 * _c0 as int) as row")
    rows.coalesce(1).write.mode("overwrite").csv(doubled)
    numbers = [row["row"] for row in rows.collect()]
else:
    numbers = [2 * int(row) for row in Path(table, "part-0.csv").read_text().split()]
    Path(doubled, "part-0.csv").write_text("".join(f"{number}\n" for number in numbers))
Path(total).write_text(str(sum(numbers)))
