"""How a suite went: a line for each case, a sum, and JUnit XML for CI."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence

from specflow.conformance.suite import CaseResult

__all__ = ["junit", "line", "summary"]


def line(result: CaseResult) -> str:
    """Return a case's line, followed by what was not as it should be, or by what the target refuses."""
    head = f"{result.verdict:<7}  {result.id:<44} {result.seconds:6.2f} s"
    return "\n".join([head, *(f"         {told}" for told in result.told)])


def summary(name: str, results: Sequence[CaseResult]) -> str:
    """Return the closing line of a suite on one target."""
    verdicts = [result.verdict for result in results]
    told = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in ("passed", "refused", "failed"))
    seconds = sum(result.seconds for result in results)
    return f"{name}: {told}; {len(results)} cases in {seconds:.1f} s"


def junit(results: Iterable[CaseResult]) -> str:
    """Return the results as JUnit XML: a suite per target, a refused case as a passed one that says so."""
    root = ET.Element("testsuites", name="specflow conformance")
    suites: dict[str, list[CaseResult]] = {}
    for result in results:
        suites.setdefault(result.target, []).append(result)
    for name, cases in suites.items():
        head = {
            "name": f"conformance.{name}",
            "tests": str(len(cases)),
            "failures": str(sum(case.verdict == "failed" for case in cases)),
            "errors": "0",
            "skipped": "0",
            "time": f"{sum(case.seconds for case in cases):.3f}",
        }
        suite = ET.SubElement(root, "testsuite", head)
        for case in cases:
            _add(suite, case)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add(suite: ET.Element, case: CaseResult) -> None:
    group, _, name = case.id.partition("/")
    element = ET.SubElement(
        suite, "testcase", classname=f"conformance.{case.target}.{group}", name=name, time=f"{case.seconds:.3f}"
    )
    told = _printable("\n".join(case.told))
    if case.verdict == "failed":
        ET.SubElement(element, "failure", message=told.split("\n", 1)[0]).text = told
    elif case.verdict == "refused":
        ET.SubElement(element, "system-out").text = f"refused, as declared: {told}"


def _printable(text: str) -> str:
    """Return the text without characters that XML can't hold."""
    return "".join(char if char in "\t\n" or char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
