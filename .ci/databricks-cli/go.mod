// The databricks CLI, by which the bundles are tested: go build -o <file> github.com/databricks/cli
module specflow.databricks.cli

go 1.26.0

require github.com/databricks/cli v1.10.0
