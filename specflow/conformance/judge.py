"""What was expected against what was seen: each difference is a sentence; none means that all is as it should be."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from specflow.conformance.cases import Content, Finding, RunExpectation, StepExpectation
from specflow.conformance.observed import Observed, ObservedStep
from specflow.diagnostics import Diagnostic

__all__ = ["finding_differences", "is_among", "part_differences", "run_differences"]


def finding_differences(expected: Iterable[Finding], seen: Iterable[Diagnostic]) -> tuple[str, ...]:
    """Return which findings are missing, and which were not expected."""
    left = list(seen)
    told = []
    for finding in expected:
        match = next((diagnostic for diagnostic in left if _is(finding, diagnostic)), None)
        if match is None:
            told.append(f"this finding is missing: {_shown(finding, finding.file, finding.message or '…')}")
        else:
            left.remove(match)
    told += [f"this finding was not expected: {_shown(d.span, d.span.file, d.message, d)}" for d in left]
    return tuple(told)


def is_among(seen: Diagnostic, findings: Iterable[Finding]) -> bool:
    """Return whether a finding is one of those."""
    return any(_is(finding, seen) for finding in findings)


def _is(finding: Finding, seen: Diagnostic) -> bool:
    span = seen.span
    return (
        (finding.severity, finding.code, finding.file) == (seen.severity, seen.code, span.file)
        and (finding.line, finding.column) == (span.line, span.column)
        and (finding.end_line, finding.end_column) == (span.end_line, span.end_column)
        and finding.message in (None, seen.message)
        and finding.help in (None, seen.help)
    )


def _shown(place: Any, file: str, message: str, seen: Diagnostic | None = None) -> str:
    head = seen or place
    end = f"{place.end_line}:{place.end_column}"
    return f"{file}:{place.line}:{place.column}-{end}: {head.severity}: {message} [{head.code}]"


def run_differences(expected: RunExpectation, seen: Observed, project: FilePath) -> tuple[str, ...]:
    """Return how a run differs from what was expected of it; `project` is where its pipeline writes."""
    return tuple(_run_differences(expected, seen, project))


def _run_differences(expected: RunExpectation, seen: Observed, project: FilePath) -> Iterator[str]:
    if expected.state != seen.state:
        yield f"the run {seen.state}, and should be {expected.state}: {_story(seen)}"
    if expected.reason not in (None, seen.reason):
        yield f"the run's reason is {_text(seen.reason)}, and should be {_text(expected.reason)}"
    if expected.outputs is not None:
        yield from _names("output", expected.outputs, seen.outputs)
        for name in expected.outputs.keys() & seen.outputs.keys():
            yield from _output(f'output "{name}"', expected.outputs[name], seen.outputs[name])
    if expected.steps is not None:
        yield from _names("step", expected.steps, seen.steps)
        for label in expected.steps.keys() & seen.steps.keys():
            yield from _step(label, expected.steps[label], seen.steps[label])
    yield from _order(expected, seen.steps)
    for label, parts in expected.log.items():
        log = seen.steps[label].log if label in seen.steps else ""
        yield from (f'the log of "{label}" lacks {_text(part)}: {_text(log)}' for part in parts if part not in log)
    if expected.registered not in (None, seen.registered):
        yield f"registered is {_text(seen.registered)}, and should be {_text(expected.registered)}"
    for path, content in expected.written.items():
        yield from _content(f'"{path}" in the project', content, project / path)


def _story(seen: Observed) -> str:
    """Return what a reader needs to see why a run ended as it did."""
    ends = [f"{label} {step.state} {step.reason}".strip() for label, step in seen.steps.items()]
    logs = [f"log of {label}: {step.log[-400:]}" for label, step in seen.steps.items() if step.state == "failed"]
    return "; ".join([*([seen.reason] if seen.reason else []), *ends, *logs])


def _names(what: str, expected: Mapping[str, Any], seen: Mapping[str, Any]) -> Iterator[str]:
    for name in expected.keys() - seen.keys():
        yield f'there is no {what} "{name}"; there are {", ".join(seen) or "none"}'
    for name in seen.keys() - expected.keys():
        yield f'the {what} "{name}" was not expected'


def _step(label: str, expected: str | StepExpectation, seen: ObservedStep) -> Iterator[str]:
    wanted = StepExpectation.model_validate({"state": expected}) if isinstance(expected, str) else expected
    if seen.state not in wanted.accepted:
        why = f" ({seen.reason})" if seen.reason else ""
        yield f'step "{label}" is {seen.state}{why}, and should be {" or ".join(wanted.states)}'
    if wanted.attempts not in (None, seen.attempts):
        yield f'the attempts of step "{label}" are {seen.attempts}, and should be {wanted.attempts}'
    if wanted.reason not in (None, seen.reason):
        yield f'the reason of step "{label}" is {_text(seen.reason)}, and should be {_text(wanted.reason)}'
    for part in wanted.tells:
        if part not in seen.reason:
            yield f'the reason of step "{label}" lacks {_text(part)}: {_text(seen.reason)}'
    for part in wanted.hint if seen.hint is not None else ():
        if part not in (seen.hint or ""):
            yield f'the hint of step "{label}" lacks {_text(part)}: {_text(seen.hint)}'
    if wanted.metrics is not None and not _same(wanted.metrics, seen.metrics):
        yield f'the metrics of step "{label}" are {_text(seen.metrics)}, and should be {_text(wanted.metrics)}'
    if wanted.at_least_s is not None and seen.seconds < wanted.at_least_s:
        yield f'step "{label}" took {seen.seconds:.2f} s, and should take {wanted.at_least_s} s at least'


def _order(expected: RunExpectation, seen: Mapping[str, ObservedStep]) -> Iterator[str]:
    for first, second in expected.order:
        before, after = seen.get(first), seen.get(second)
        if before is None or after is None or after.began is None or before.ended > after.began:
            yield f'"{first}" should end before "{second}" begins'
    if expected.at_once is not None:
        most = _most_at_once([(step.began, step.ended) for step in seen.values() if step.began is not None])
        if most > expected.at_once:
            yield f"{most} steps ran at once, and {expected.at_once} should at most"


def _most_at_once(spans: Sequence[tuple[float, float]]) -> int:
    # At one moment an end comes before a beginning: the two did not overlap.
    changes = sorted([(began, 1) for began, _ in spans] + [(ended, -1) for _, ended in spans])
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def _output(what: str, expected: Any, seen: Any) -> Iterator[str]:
    if isinstance(expected, Mapping):
        yield from _content(what, Content.model_validate(expected), seen)
    elif isinstance(expected, list) and isinstance(seen, list) and len(expected) == len(seen):
        for index, (wanted, item) in enumerate(zip(expected, seen, strict=True)):
            yield from _output(f"{what}[{index}]", wanted, item)
    elif isinstance(seen, FilePath) or not _same(expected, seen):
        yield f"{what} is {_text(seen)}, and should be {_text(expected)}"


def _content(what: str, expected: Content | str, seen: Any) -> Iterator[str]:
    """Yield how a path's content, or a text, differs from what was expected of it."""
    content = Content(text=expected) if isinstance(expected, str) else expected
    if content.files is not None:
        yield from _folder(what, content.files, seen)
        return
    if isinstance(seen, FilePath) and not seen.is_file():
        yield f"{what} is {'a folder' if seen.is_dir() else 'not there'}, and should be a file"
        return
    if seen is None:
        yield f"{what} is absent"
        return
    raw = seen.read_bytes() if isinstance(seen, FilePath) else str(seen).encode()
    if content.sha256 is not None:
        digest = hashlib.sha256(raw).hexdigest()
        if digest != content.sha256:
            yield f"the SHA-256 of {what} is {digest}, and should be {content.sha256}"
        return
    text = raw.decode("utf-8", "replace")
    if content.text not in (None, text):
        yield f"{what} holds {_text(text)}, and should hold {_text(content.text)}"
    elif content.matches is not None and not re.fullmatch(content.matches, text):
        yield f"{what} holds {_text(text)}, and should match {content.matches}"
    elif "json_" in content.model_fields_set and not _same(content.json_, _json(text)):
        yield f"{what} holds {_text(text)}, and should hold the JSON {_text(content.json_)}"


def _folder(what: str, expected: Mapping[str, Content | str], seen: Any) -> Iterator[str]:
    if not isinstance(seen, FilePath) or not seen.is_dir():
        yield f"{what} is not a folder"
        return
    files = {path.relative_to(seen).as_posix(): path for path in sorted(seen.rglob("*")) if path.is_file()}
    yield from (f'{what} lacks the file "{name}"' for name in expected.keys() - files.keys())
    yield from (f'{what} holds a file "{name}", which was not expected' for name in files.keys() - expected.keys())
    for name in expected.keys() & files.keys():
        yield from _content(f'{what}, file "{name}"', expected[name], files[name])


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def part_differences(what: str, expected: Any, seen: Any) -> tuple[str, ...]:
    """Return how a part of a document differs: of a mapping, only the keys that were expected are compared."""
    if isinstance(expected, Mapping) and isinstance(seen, Mapping):
        pairs = ((f"{what}.{key}", value, seen.get(key)) for key, value in expected.items())
        return tuple(told for pair in pairs for told in part_differences(*pair))
    return () if _same(expected, seen) else (f"{what} is {_text(seen)}, and should be {_text(expected)}",)


def _same(expected: Any, seen: Any) -> bool:
    """Return whether two plain values are equal; true is not 1, and 3 is 3.0."""
    if isinstance(expected, Mapping) and isinstance(seen, Mapping):
        return expected.keys() == seen.keys() and all(_same(value, seen[key]) for key, value in expected.items())
    if isinstance(expected, (list, tuple)) and isinstance(seen, (list, tuple)):
        return len(expected) == len(seen) and all(_same(a, b) for a, b in zip(expected, seen, strict=True))
    return isinstance(expected, bool) == isinstance(seen, bool) and bool(expected == seen)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
