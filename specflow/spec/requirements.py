"""Requirements files as pip reads them, as far as we have to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path as FilePath

__all__ = ["requirement_lines"]

_COMMENT = re.compile(r"(^|\s)#.*$")
_INCLUDE = re.compile(r"(?:-r\s*|--requirement(?:\s+|=))(.+)")


def requirement_lines(file: FilePath, read: dict[FilePath, str]) -> Iterator[str]:
    """Yield the lines of a requirements file without comments, those of files that it includes in their place.

    `read` gets the text of each file. Raises OSError for one that can't be read.
    """
    if file in read:
        return
    read[file] = file.read_text(encoding="utf-8", errors="replace")
    for raw in read[file].replace("\\\n", " ").splitlines():
        line = " ".join(_COMMENT.sub("", raw).split())
        included = _INCLUDE.fullmatch(line)
        if included is not None and (file.parent / included[1]).is_file():
            yield from requirement_lines(file.parent / included[1], read)
        elif line:
            yield line
