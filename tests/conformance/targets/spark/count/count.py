"""Count the rows of a table."""

import sys
from pathlib import Path

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
Path(sys.argv[2]).write_text(str(spark.read.parquet(sys.argv[1]).count()))
