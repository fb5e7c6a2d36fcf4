"""Read a file of the project that did not travel."""

from pathlib import Path

Path("data/settings.json").read_text()
