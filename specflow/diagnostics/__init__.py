"""Located findings about a spec: what they hold, what each code means, and how they are shown."""

from specflow.diagnostics.model import Diagnostic, Related, Severity, Span, error, has_errors, tidy, warning

__all__ = ["Diagnostic", "Related", "Severity", "Span", "error", "has_errors", "tidy", "warning"]
