"""Tell what is in the working folder, and what a module and a data file beside this one say."""

import json
import sys
from pathlib import Path

from words import greeting

here = sorted(path.as_posix() for path in Path().rglob("*") if path.is_file() and path.suffix != ".pyc")
data = Path("data/name.txt").read_text().strip()
Path(sys.argv[1]).write_text(json.dumps({"here": here, "said": f"{greeting()} {data}"}))
