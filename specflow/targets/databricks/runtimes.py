"""Which Python each serverless environment version and each cluster runtime has, and which of them a step gets."""

from __future__ import annotations

from packaging.specifiers import SpecifierSet

__all__ = ["environment_version_for", "is_met", "python_of", "runtime_for"]

# docs.databricks.com/release-notes/serverless/environment-version, read 2026-08; version 5 is the newest.
_ENVIRONMENTS = (("4", "3.12.3"), ("2", "3.11.10"), ("1", "3.10.12"))
# docs.databricks.com/release-notes/runtime: runtimes with long-term support. Their names are unverified.
_RUNTIMES = (("16.4.x", "3.12.3"), ("15.4.x", "3.11.11"), ("14.3.x", "3.10.12"))


def environment_version_for(python: str | None) -> str | None:
    """Return the serverless environment version whose Python satisfies a specifier; None if none does."""
    return _first(_ENVIRONMENTS, python)


def runtime_for(python: str | None, *, has_gpu: bool) -> str | None:
    """Return the cluster runtime (`spark_version`) whose Python satisfies a specifier; None if none does."""
    found = _first(_RUNTIMES, python)
    return None if found is None else f"{found}-{'gpu-ml-' if has_gpu else ''}scala2.12"


def python_of(runtime: str) -> str | None:
    """Return the Python of a cluster runtime, by its `spark_version`; None of one that is not known here."""
    return next((python for name, python in _RUNTIMES if runtime.startswith(f"{name}-")), None)


def is_met(python: str | None, version: str) -> bool:
    """Return whether a version of Python is what a specifier asks for."""
    return version in SpecifierSet(python or "")


def _first(known: tuple[tuple[str, str], ...], python: str | None) -> str | None:
    return next((name for name, version in known if is_met(python, version)), None)
