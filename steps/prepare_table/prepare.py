"""Split a CSV table of measurements into training and test rows that share no feature row.

Exact copies are dropped, and rows with the same features stay together, so no model is tested on inputs that it was
fitted on. Both parts keep the table's order and hold the target as their last column, where the next steps look for it.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd


def read_table(path, target):
    """Return the table with its target last; every value in it is a finite number."""
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        sys.exit(f"{path}: not a readable CSV table: {error}".strip())
    if target not in table.columns:
        sys.exit(f'{path}: no column "{target}"; its columns are {", ".join(table.columns)}')
    features = table.columns.drop(target)
    if features.empty or table.empty:
        sys.exit(f'{path}: nothing to learn from: {len(table)} rows, {len(features)} columns besides "{target}"')
    numbers = table[[*features, target]].apply(pd.to_numeric, errors="coerce")
    faults = (~np.isfinite(numbers)).sum()
    if faults.any():
        listed = ", ".join(f"{name} ({count})" for name, count in faults[faults > 0].items())
        sys.exit(f"{path}: values that are missing or not a finite number, by column: {listed}")
    return numbers


def split(table, fraction, seed):
    """Return the training and the test rows, both in the order of the table; the last column is the target."""
    features = list(table.columns[:-1])
    feature_row = table.groupby(features, sort=False).ngroup()
    held_out = feature_row.drop_duplicates().sample(frac=fraction, random_state=seed)
    in_test = feature_row.isin(held_out)
    return table[~in_test], table[in_test]


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, required=True, help="CSV to read")
    parser.add_argument("--target", default="strength", help="column to predict")
    parser.add_argument("--test-fraction", type=float, default=0.25, help="share of distinct feature rows to hold out")
    parser.add_argument("--seed", type=int, default=7, help="decides which rows are held out")
    parser.add_argument("--train", type=Path, required=True, help="parquet to write")
    parser.add_argument("--test", type=Path, required=True, help="parquet to write")
    parser.add_argument("--rows", type=Path, required=True, help="JSON to write: row counts")
    args = parser.parse_args(argv)
    if not 0.05 <= args.test_fraction <= 0.5:
        parser.error(f"--test-fraction is {args.test_fraction}; it must lie between 0.05 and 0.5")
    if args.seed < 0:
        parser.error(f"--seed is {args.seed}; it must be 0 or more")

    table = read_table(args.table, args.target)
    distinct = table.drop_duplicates(ignore_index=True)
    train, test = split(distinct, args.test_fraction, args.seed)
    if train.empty or test.empty:
        sys.exit(f"{args.table}: too few distinct rows ({len(distinct)}) to hold out {args.test_fraction:.0%} of them")

    train.to_parquet(args.train, index=False)
    test.to_parquet(args.test, index=False)
    counts = {"read": len(table), "duplicates": len(table) - len(distinct), "train": len(train), "test": len(test)}
    args.rows.write_text(json.dumps(counts, indent=2) + "\n")
    print(", ".join(f"{name} {count}" for name, count in counts.items()))


if __name__ == "__main__":
    main()
