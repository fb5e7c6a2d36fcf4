"""Write a table of as many rows as were asked for."""

import sys

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
spark.range(int(sys.argv[1])).write.mode("overwrite").parquet(sys.argv[2])
