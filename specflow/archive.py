"""Files as one file: a zip whose bytes depend on nothing but what is in it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

__all__ = ["archive"]

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file knows."""


def archive(files: Mapping[str, bytes]) -> bytes:
    """Return files as a zip: in order, all with one time, and stored, since compressors differ between machines."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as packed:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # else the machine that makes it shows
            packed.writestr(entry, content)
    return made.getvalue()
