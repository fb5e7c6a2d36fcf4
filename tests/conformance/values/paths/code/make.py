"""Write one output of each path type from what was given."""

import json
import shutil
import sys
from pathlib import Path

table, settings, copy, tree, fitted, scores = map(Path, sys.argv[1:])
shutil.copyfile(table, copy)
assert tree.is_dir() and not list(tree.iterdir())  # noqa: PT018
shutil.copytree(settings, tree / "settings")
(tree / "deep" / "er").mkdir(parents=True)
(tree / "deep" / "er" / "file.txt").write_text("deep")
assert fitted.is_dir()
(fitted / "weights.bin").write_bytes(bytes(range(256)))
scores.write_text(json.dumps({"rmse": 1.5, "rows": 3}))
