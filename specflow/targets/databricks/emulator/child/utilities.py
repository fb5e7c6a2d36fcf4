"""A small `dbutils`: widgets, task values, notebook exit, secrets, and files as folders.

Source: docs.databricks.com/dev-tools/databricks-utils. What is not here raises AttributeError, as a wrong name does.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from typing import Any, NamedTuple

__all__ = ["Dbutils", "FileInfo", "NotebookExit"]

MAX_VALUE_BYTES = 48 * 1024
"""Of one task value as JSON; docs.databricks.com/jobs/task-values."""

_NOT_GIVEN = object()


class NotebookExit(Exception):  # noqa: N818 - the end, not an error
    """What `dbutils.notebook.exit` raises. Like the platform's, it can be caught by a careless `except Exception`."""

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.value = value


class FileInfo(NamedTuple):
    """One entry of `dbutils.fs.ls`."""

    path: str
    name: str
    size: int
    modificationTime: int  # noqa: N815 - the vendor's name


class Widgets:
    """Parameters of a notebook."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given, self._defaults = dict(given), dict[str, str]()

    def text(self, name: str, defaultValue: str, label: str = "") -> None:  # noqa: N803, ARG002
        """Declare a widget."""
        self._defaults[name] = str(defaultValue)

    def dropdown(self, name: str, defaultValue: str, choices: Any, label: str = "") -> None:  # noqa: N803, ARG002
        """Declare a widget with choices."""
        self._defaults[name] = str(defaultValue)

    combobox = multiselect = dropdown

    def get(self, name: str) -> str:
        """Return a parameter's value, else the widget's default."""
        if name in self._given:
            return self._given[name]
        if name in self._defaults:
            return self._defaults[name]
        raise ValueError(f"InputWidgetNotDefined: No input widget named {name} is defined")

    def getAll(self) -> dict[str, str]:  # noqa: N802 - the vendor's name
        """Return the value of every widget."""
        return {**self._defaults, **self._given}

    def remove(self, name: str) -> None:
        """Forget a widget."""
        self._defaults.pop(name, None)

    def removeAll(self) -> None:  # noqa: N802 - the vendor's name
        """Forget all widgets."""
        self._defaults.clear()


class TaskValues:
    """Small values that tasks hand to later ones."""

    def __init__(self, known: Mapping[str, Mapping[str, Any]], keep: Callable[[str, Any], None] | None) -> None:
        self._known, self._keep = known, keep

    def set(self, key: str, value: Any) -> None:
        """Keep a value for later tasks."""
        if self._keep is None:
            raise RuntimeError("task values can only be set in a notebook task")
        if not isinstance(key, str) or not key:
            raise ValueError("a task value's key is a text that is not empty")
        size = len(json.dumps(value).encode())
        if size > MAX_VALUE_BYTES:
            raise ValueError(f"a task value has at most {MAX_VALUE_BYTES} bytes as JSON, this one has {size}")
        self._keep(key, value)

    def get(self, taskKey: str, key: str, default: Any = _NOT_GIVEN, debugValue: Any = None) -> Any:  # noqa: N803, ARG002
        """Return a value of an earlier task."""
        values = self._known.get(taskKey, {})
        if key in values:
            return values[key]
        if default is _NOT_GIVEN or default is None:
            raise ValueError(f"no task value {key} of task {taskKey}")
        return default


class Jobs:
    """`dbutils.jobs`."""

    def __init__(self, values: TaskValues) -> None:
        self.taskValues = values


class Notebook:
    """`dbutils.notebook`."""

    def exit(self, value: Any = "") -> None:
        """End the notebook well, with a text as its result."""
        raise NotebookExit(str(value))


class Secrets:
    """`dbutils.secrets`, asked of the workspace."""

    def get(self, scope: str, key: str) -> str:
        """Return a secret as text."""
        return self.getBytes(scope, key).decode()

    def getBytes(self, scope: str, key: str) -> bytes:  # noqa: N802 - the vendor's name
        """Return a secret as bytes."""
        import urllib.error
        import urllib.parse
        import urllib.request

        query = urllib.parse.urlencode({"scope": scope, "key": key})
        request = urllib.request.Request(  # noqa: S310 - the workspace's own address
            f"{os.environ['DATABRICKS_HOST']}/api/2.0/secrets/get?{query}",
            headers={"Authorization": f"Bearer {os.environ['DATABRICKS_TOKEN']}"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return base64.b64decode(json.load(answer)["value"])
        except urllib.error.HTTPError as fault:
            with fault:
                message = json.load(fault).get("message", "")
            raise ValueError(f"Secret does not exist with scope: {scope} and key: {key}: {message}") from None


class Files:
    """`dbutils.fs`, for the folders that stand for /Volumes and /Workspace."""

    def __init__(self, here: Callable[[str], str]) -> None:
        self._here = here

    def _path(self, path: str) -> FilePath:
        return FilePath(self._here(path.removeprefix("dbfs:").removeprefix("file:")))

    def ls(self, dir: str) -> list[FileInfo]:  # noqa: A002 - the vendor's name
        """Return what a folder holds."""
        found = []
        for child in sorted(self._path(dir).iterdir()):
            name, stat = child.name + ("/" if child.is_dir() else ""), child.stat()
            size = 0 if child.is_dir() else stat.st_size
            found.append(FileInfo(f"{dir.rstrip('/')}/{name}", name, size, int(stat.st_mtime * 1000)))
        return found

    def mkdirs(self, dir: str) -> bool:  # noqa: A002 - the vendor's name
        """Make a folder and those above it."""
        self._path(dir).mkdir(parents=True, exist_ok=True)
        return True

    def put(self, file: str, contents: str, overwrite: bool = False) -> bool:
        """Write a text to a file."""
        if self._path(file).exists() and not overwrite:
            raise FileExistsError(file)
        self._path(file).parent.mkdir(parents=True, exist_ok=True)
        self._path(file).write_text(contents, encoding="utf-8")
        return True

    def head(self, file: str, maxBytes: int = 65_536) -> str:  # noqa: N803 - the vendor's name
        """Return the beginning of a file as text."""
        with self._path(file).open("rb") as stream:
            return stream.read(maxBytes).decode(errors="replace")

    def cp(self, source: str, target: str, recurse: bool = False) -> bool:
        """Copy a file, or a folder with `recurse`."""
        if recurse:
            shutil.copytree(self._path(source), self._path(target), dirs_exist_ok=True)
        else:
            shutil.copyfile(self._path(source), self._path(target))
        return True

    def rm(self, path: str, recurse: bool = False) -> bool:
        """Remove a file, or a folder with `recurse`."""
        place = self._path(path)
        if not place.exists():
            return False
        if place.is_dir():
            shutil.rmtree(place) if recurse else place.rmdir()
        else:
            place.unlink()
        return True


class Dbutils:
    """What notebooks know as `dbutils`."""

    def __init__(
        self,
        parameters: Mapping[str, str],
        values: Mapping[str, Mapping[str, Any]],
        keep: Callable[[str, Any], None] | None,
        here: Callable[[str], str],
    ) -> None:
        self.widgets = Widgets(parameters)
        self.jobs = Jobs(TaskValues(values, keep))
        self.notebook = Notebook()
        self.secrets = Secrets()
        self.fs = Files(here)
