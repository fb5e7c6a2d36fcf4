"""Tell the names of the paths given, and what kind each is."""

import json
import sys
from pathlib import Path

seen, *given = sys.argv[1:]
told = [[Path(path).name, "folder" if Path(path).is_dir() else "file"] for path in given]
Path(seen).write_text(json.dumps(told))
