"""Say a word as often as asked, and copy a table."""

import os
import shutil
import sys
from pathlib import Path

times, table, said, copy, scores, *note = sys.argv[1:]
Path(said).write_text(" ".join([os.environ["GREETING"]] * int(times) + note))
shutil.copyfile(table, copy)
