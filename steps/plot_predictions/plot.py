"""Draw a fitted model's predictions against what was measured, and the residuals."""

import argparse
import json
import sys
from pathlib import Path

import joblib
import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure  # without pyplot there is no display to look for, and no global state

INK, GREY, BLUE, PALE = "#24292f", "#8c959f", "#2f6db5", "#e9eef5"
STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 10,
    "grid.color": "#e4e7eb",
    "xtick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.color": GREY,
    "ytick.labelcolor": INK,
}


def read_card(folder):
    """Return what the model's card says; the model itself is loaded once everything else is known to be sound."""
    try:
        card = json.loads((folder / "card.json").read_text())
    except (OSError, ValueError) as error:
        sys.exit(f"{folder}: not a fitted model: {error}")
    if not (folder / "model.joblib").is_file():
        sys.exit(f"{folder}: not a fitted model: it holds no model.joblib")
    return card


def read_table(path, columns):
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        sys.exit(f"{path}: not a readable parquet table: {error}")
    missing = [name for name in columns if name not in table.columns]
    if missing:
        sys.exit(f"{path}: the model needs columns that are missing: {', '.join(missing)}")
    return table


def draw(measured, predicted, model, quantity, unit):
    """Return a figure of two panels: predicted against measured, and the residuals along the predictions."""
    residuals = measured - predicted
    rmse = float(np.sqrt(np.mean(residuals**2)))
    points = {"s": 24, "color": BLUE, "alpha": 0.55, "linewidths": 0}
    line = {"color": INK, "linewidth": 1}
    above = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderpad": 0.2, "frameon": False}
    figure = Figure(figsize=(10, 5), dpi=150, layout="constrained")
    figure.suptitle(f"{model}: RMSE {rmse:.2f} {unit} on {len(measured)} held-out rows", fontsize=13)
    left, right = figure.subplots(1, 2)

    left.scatter(measured, predicted, **points)
    ends = [min(measured.min(), predicted.min()), max(measured.max(), predicted.max())]
    left.plot(ends, ends, label="predicted = measured", **line)
    left.set(xlabel=f"measured {quantity} ({unit})", ylabel=f"predicted {quantity} ({unit})", aspect="equal")
    left.legend(**above)

    right.axhspan(-rmse, rmse, color=PALE, linewidth=0, label="within one RMSE")
    right.axhline(0, **line)
    right.scatter(predicted, residuals, **points)
    right.set(xlabel=f"predicted {quantity} ({unit})", ylabel=f"measured \N{MINUS SIGN} predicted ({unit})")
    right.legend(**above)
    return figure


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder with model.joblib and card.json")
    parser.add_argument("--test", type=Path, required=True, help="parquet with rows that the model was not fitted on")
    parser.add_argument("--unit", default="MPa", help="unit of the target")
    parser.add_argument("--plot", type=Path, required=True, help="PNG to write")
    args = parser.parse_args(argv)

    card = read_card(args.model)
    features, target = list(card["features"]), card["target"]
    table = read_table(args.test, [*features, target])
    # Loading runs code that the file names: plot models that you trust.
    predicted = joblib.load(args.model / "model.joblib").predict(table[features])

    with mpl.rc_context(STYLE):
        name = card["model"].replace("_", " ")
        figure = draw(table[target].to_numpy(), predicted, name, target, args.unit)
        # Without its software line, which names a version, the same drawing is the same bytes.
        figure.savefig(args.plot, format="png", metadata={"Software": None})
    print(f"{card['model']}: drew {len(table)} rows")


if __name__ == "__main__":
    main()
