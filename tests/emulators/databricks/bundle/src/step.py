import pathlib
import sys

text, out = sys.argv[1:]
place = pathlib.Path(out)
place.parent.mkdir(parents=True, exist_ok=True)
place.write_text(text)
sys.stdout.write(f"wrote {text}\n")
