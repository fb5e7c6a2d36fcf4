"""Let a model through only while its error is below a limit."""

import argparse
import shutil
import sys
from pathlib import Path


def copy_folder(source, destination):
    """Copy a folder's contents; not by copytree, which would make the copy as read-only as its source may be."""
    destination.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.rglob("*")):
        copy = destination / path.relative_to(source)
        if path.is_dir():
            copy.mkdir(exist_ok=True)
        else:
            shutil.copyfile(path, copy)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="model folder")
    parser.add_argument("--value", type=float, required=True, help="the model's error")
    parser.add_argument("--limit", type=float, required=True, help="what the error must stay below")
    parser.add_argument("--passed", type=Path, required=True, help="folder to copy the model into")
    args = parser.parse_args(argv)
    if not args.model.is_dir():
        sys.exit(f"{args.model}: not a model folder")
    # "not below" rather than "at or above": an error that is not a number does not pass.
    if not args.value < args.limit:
        sys.exit(f"the model's error is {args.value:g}; it must be below {args.limit:g}")

    copy_folder(args.model, args.passed)
    print(f"passed: {args.value:g} is below {args.limit:g}")


if __name__ == "__main__":
    main()
