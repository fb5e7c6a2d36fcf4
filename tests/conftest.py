"""Under test, every diagnostic has a code that is explained, with the severity that its explanation says."""

from typing import Any

from hypothesis import settings

from specflow.diagnostics import Diagnostic
from specflow.diagnostics.codes import codes

_made = Diagnostic.__init__


def _explained(self: Diagnostic, severity: str, code: str, *rest: Any, **more: Any) -> None:
    explained = codes().get(code)
    assert explained is not None, f'"{code}" has no specflow/diagnostics/explanations/{code}.md'
    assert explained.severity == severity, f'"{code}" is explained as {explained.severity}, and this is a {severity}'
    _made(self, severity, code, *rest, **more)  # type: ignore[arg-type]


Diagnostic.__init__ = _explained  # type: ignore[method-assign]

# Tests run side by side: how long an example takes says nothing here.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
