"""Predict the target for every row of a CSV table with a fitted model."""

import argparse
import json
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd


def read_card(folder):
    """Return what the model's card says; the model itself is loaded once everything else is known to be sound."""
    try:
        card = json.loads((folder / "card.json").read_text())
    except (OSError, ValueError) as error:
        sys.exit(f"{folder}: not a fitted model: {error}")
    if not (folder / "model.joblib").is_file():
        sys.exit(f"{folder}: not a fitted model: it holds no model.joblib")
    return card


def read_table(path):
    """Return the table as text, so that columns which the model does not use come out as they went in."""
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        sys.exit(f"{path}: not a readable CSV table: {error}".strip())


def numeric_features(table, names, path):
    """Return the named columns as finite numbers."""
    missing = [name for name in names if name not in table.columns]
    if missing:
        sys.exit(f"{path}: the model needs columns that are missing: {', '.join(missing)}")
    if table.empty:
        sys.exit(f"{path}: no rows to score")
    numbers = table[names].apply(pd.to_numeric, errors="coerce")
    faults = (~np.isfinite(numbers)).sum()
    if faults.any():
        listed = ", ".join(f"{name} ({count})" for name, count in faults[faults > 0].items())
        sys.exit(f"{path}: values that are missing or not a finite number, by column: {listed}")
    return numbers


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder with model.joblib and card.json")
    parser.add_argument("--table", type=Path, required=True, help="CSV to read")
    parser.add_argument("--predictions", type=Path, required=True, help="CSV to write: the table and its predictions")
    parser.add_argument("--summary", type=Path, required=True, help="JSON to write: figures about the predictions")
    args = parser.parse_args(argv)

    card = read_card(args.model)
    table = read_table(args.table)
    column = f"predicted_{card['target']}"
    if column in table.columns:
        sys.exit(f'{args.table}: already has a column "{column}"; rename or remove it')
    features = numeric_features(table, list(card["features"]), args.table)
    # Loading runs code that the file names: score with models that you trust.
    predicted = joblib.load(args.model / "model.joblib").predict(features)

    lowest, highest = pd.DataFrame(card["features"]).to_numpy()
    extrapolated = ((features < lowest) | (features > highest)).any(axis=1)
    summary = {
        "rows": len(table),
        "lowest": float(predicted.min()),
        "mean": float(predicted.mean()),
        "highest": float(predicted.max()),
        "extrapolated": int(extrapolated.sum()),
    }
    table.assign(**{column: predicted}).to_csv(args.predictions, index=False)
    args.summary.write_text(json.dumps(summary, indent=2) + "\n")
    print(", ".join(f"{name} {value:g}" for name, value in summary.items()))


if __name__ == "__main__":
    main()
