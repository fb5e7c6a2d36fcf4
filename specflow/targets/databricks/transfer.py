"""Files and folders on their way to a volume and back: several at once, each in blocks, never held in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path as FilePath

from specflow.targets.databricks.client import Api

__all__ = ["get_tree", "put_tree"]

AT_ONCE = 8
Transfer = tuple[str, FilePath]


def put_tree(api: Api, source: FilePath, place: str) -> None:
    """Put a file, or a folder with all in it, onto a volume."""
    if not source.is_dir():
        api.put_volume_file(place, source)
        return
    api.make_volume_folder(place)
    files: list[Transfer] = []
    for path in _below(source):
        target = f"{place}/{path.relative_to(source).as_posix()}"
        if path.is_dir():
            api.make_volume_folder(target)
        else:
            files.append((target, path))
    _all(api.put_volume_file, files)


def get_tree(api: Api, place: str, target: FilePath) -> None:
    """Bring a folder of a volume here with all in it."""
    _all(api.get_volume_file, _listed(api, place, target))


def _listed(api: Api, place: str, target: FilePath) -> Iterator[Transfer]:
    """Yield the files of a folder and where each goes; the folders here are made on the way."""
    target.mkdir(parents=True, exist_ok=True)
    for entry in api.volume_folder(place):
        inner = target / FilePath(entry["name"]).name
        if entry.get("is_directory"):
            yield from _listed(api, f"{place}/{entry['name']}", inner)
        else:
            yield f"{place}/{entry['name']}", inner


def _all(transfer: Callable[[str, FilePath], None], files: Iterable[Transfer]) -> None:
    """Transfer files, several at once; the first failure is raised."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(transfer, place, path) for place, path in files]:
            done.result()


def _below(folder: FilePath) -> Iterator[FilePath]:
    for path in sorted(folder.iterdir()):
        yield path
        if path.is_dir():
            yield from _below(path)
