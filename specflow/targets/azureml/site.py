"""A workspace as it can be asked directly: where it is, its computes, small files of its datastores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from specflow.errors import SpecflowError
from specflow.targets.azureml.client import PATIENCE, MissingError, patiently, storage

__all__ = ["Site"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Site:
    """One workspace. Each call is tried so often; what is not there is a SpecflowError."""

    ml: Any
    tries: int = PATIENCE

    def where(self, name: str) -> str:
        """Return the region of the workspace."""
        try:
            return str(self._try(lambda: self.ml.workspaces.get(name)).location)
        except MissingError as failure:
            message = f'there is no workspace "{name}"'
            raise SpecflowError(message, "is the name right, and the subscription?") from failure

    def compute(self, name: str) -> str:
        """Return what a compute is: the size of its machines, else its kind."""
        try:
            found = self._try(lambda: self.ml.compute.get(name))
        except MissingError as failure:
            raise SpecflowError(f'the workspace has no compute "{name}"', "make it, or bind another one") from failure
        return str(getattr(found, "size", None) or found.type)

    def read(self, datastore: str, path: str) -> bytes | None:
        """Return a small file of a datastore; None if there is none."""
        holder, is_blob = self._storage(datastore)
        try:
            if is_blob:
                return bytes(self._try(lambda: holder.download_blob(path).readall()))
            return bytes(self._try(lambda: holder.get_file_client(path).download_file().readall()))
        except MissingError:
            return None

    def write(self, datastore: str, path: str, content: bytes) -> None:
        """Write a small file of a datastore, over one that is there."""
        holder, is_blob = self._storage(datastore)
        if is_blob:
            self._try(lambda: holder.upload_blob(path, content, overwrite=True))
        else:
            self._try(lambda: holder.get_file_client(path).upload_data(content, overwrite=True))

    def _storage(self, datastore: str) -> tuple[Any, bool]:
        try:
            return self._try(lambda: storage(self.ml, datastore))
        except MissingError as failure:
            message = f'the workspace has no datastore "{datastore}"'
            raise SpecflowError(message, "make it, or name another one in the profile's store") from failure

    def _try(self, call: Callable[[], T]) -> T:
        return patiently(call, tries=self.tries)
