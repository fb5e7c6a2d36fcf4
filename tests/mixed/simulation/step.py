"""What every step of a random pipeline does: its fate is an argument, and its outputs depend on all that it is given.

    python step.py FATE o=<path> v=<path> … in:a=<path> val:b=<text> … <path or text of a list> …

A fate says for each attempt, with commas, what becomes of it; the last one stands for all that follow: `fail`, `hang`,
or `ok:` and the outputs that are left: `o` a file, `d` a folder, `v` true or `w` false, `n` a number.
"""

import hashlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path


def content(path: Path) -> str:
    """Return what a file, or a folder, holds."""
    if path.is_dir():
        inner = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
        return "|".join(f"{entry.name}={content(entry)}" for entry in inner)
    return path.read_text(encoding="utf-8")


def play(argv: Sequence[str], attempt: int) -> str:
    """Return what became of an attempt, `ok`, `fail` or `hang`, its outputs written."""
    fates = argv[0].split(",")
    fate, _, left = fates[min(attempt, len(fates)) - 1].partition(":")
    given = [text.partition("=")[::2] for text in argv[1:] if "=" in text.split("/")[0]]
    read = [
        f"{name}={content(Path(value)) if name.startswith('in:') else value}" for name, value in given if ":" in name
    ]
    listed = [text for text in argv[1:] if "=" not in text.split("/")[0]]
    read += [content(Path(text)) if Path(text).exists() else text for text in listed]
    seen = hashlib.sha256("\n".join(read).encode()).hexdigest()[:12]
    for name, place in given:
        if ":" in name:
            continue
        if name == "d" and "d" in left:
            (Path(place) / "sub").mkdir(parents=True, exist_ok=True)
            (Path(place) / "sub" / "part").write_text(f"part {seen}")
        elif name == "o" and "o" in left:
            Path(place).write_text(f"file {seen}")
        elif name == "v" and ("v" in left or "w" in left):
            Path(place).write_text("true" if "v" in left else "false")
        elif name == "n" and "n" in left:
            Path(place).write_text(str(int(seen[:4], 16) % 10))
    return fate


if __name__ == "__main__":
    end = play(sys.argv[1:], int(os.environ["SPECFLOW_ATTEMPT"]))
    if end == "hang":
        time.sleep(600)
    sys.exit(0 if end == "ok" else 1)
