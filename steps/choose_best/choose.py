"""Choose the fitted model with the lowest test error."""

import argparse
import csv
import json
import shutil
import sys
from pathlib import Path


def read_candidate(folder, scores):
    """Return the candidate's line on the leaderboard: its model name, then its scores."""
    try:
        card = json.loads((folder / "card.json").read_text())
        measured = json.loads(scores.read_text())
    except (OSError, ValueError) as error:
        sys.exit(f"{folder}: not a candidate with scores: {error}")
    if card["scores"] != measured:
        sys.exit(f"{folder}: its scores are not those in {scores}; list the scores in the order of the candidates")
    return {"model": card["model"], **measured}


def copy_folder(source, destination):
    """Copy a folder's contents; not by copytree, which would make the copy as read-only as its source may be."""
    destination.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.rglob("*")):
        copy = destination / path.relative_to(source)
        if path.is_dir():
            copy.mkdir(exist_ok=True)
        else:
            shutil.copyfile(path, copy)


def write_leaderboard(path, board):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(board[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(board)


def print_leaderboard(board):
    width = max(len(entry["model"]) for entry in board)
    metrics = list(board[0])[1:]
    print(f"{'model':<{width}}", *(f"{name:>8}" for name in metrics))
    for entry in board:
        print(f"{entry['model']:<{width}}", *(f"{entry[name]:8.3f}" for name in metrics))


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=Path, nargs="+", required=True, help="model folders to choose from")
    parser.add_argument("--scores", type=Path, nargs="+", required=True, help="JSON per candidate, in the same order")
    parser.add_argument("--best", type=Path, required=True, help="folder to copy the winner into")
    parser.add_argument("--winner", type=Path, required=True, help="text to write: the winner's model name")
    parser.add_argument("--rmse", type=Path, required=True, help="text to write: the winner's test error")
    parser.add_argument("--leaderboard", type=Path, required=True, help="CSV to write: all candidates, the best first")
    args = parser.parse_args(argv)
    if len(args.candidates) != len(args.scores):
        parser.error(f"{len(args.candidates)} candidates but {len(args.scores)} scores; give one of each per model")

    entries = [read_candidate(*pair) for pair in zip(args.candidates, args.scores, strict=True)]
    ranking = sorted(range(len(entries)), key=lambda i: entries[i]["rmse"])
    board = [entries[i] for i in ranking]
    winner = board[0]

    copy_folder(args.candidates[ranking[0]], args.best)
    args.winner.write_text(winner["model"])
    args.rmse.write_text(repr(winner["rmse"]))
    write_leaderboard(args.leaderboard, board)
    print_leaderboard(board)
    print(f"winner: {winner['model']}")


if __name__ == "__main__":
    main()
