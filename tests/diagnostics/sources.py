"""The codes that the sources can give: literals that flow into a diagnostic's code, found without running anything."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

Makers = dict[str, int]
"""Functions and classes by name, with the position of their argument that becomes a code."""

FIRST: Makers = {"Diagnostic": 1, "error": 0, "warning": 0, "Fault": 0}


def modules() -> Iterator[ast.Module]:
    """Yield the modules that can make diagnostics: those that import something of specflow.diagnostics or of faults."""
    for path in sorted((ROOT / "specflow").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "specflow.diagnostics import" in text or "import Fault" in text or "class Fault" in text:
            yield ast.parse(text)


def literal_codes() -> set[str]:
    """Return every literal that is given as a code, straight or by way of functions that hand it on."""
    trees = list(modules())
    makers = dict(FIRST)
    while more := {name: at for tree in trees for name, at in _handing_on(tree, makers)} | makers:
        if more == makers:
            break
        makers = more
    return {code for tree in trees for code in _given(tree, makers)}


def schema_codes() -> set[str]:
    """Return the codes that the schemas give."""
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "schemas").glob("*.json"))
    return {code for text in texts for code in re.findall(r'"x-code": ("[^"]+")', text) for code in [json.loads(code)]}


def all_literals() -> set[str]:
    """Return every text that stands in the sources, the schemas' codes included."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "specflow").rglob("*.py"))
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)} | schema_codes()


def _handing_on(tree: ast.Module, makers: Makers) -> Iterator[tuple[str, int]]:
    """Yield functions that give one of their own parameters to a maker as the code."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        parameters = [argument.arg for argument in function.args.args if argument.arg not in ("self", "cls")]
        for code in _codes(function, makers):
            if isinstance(code, ast.Name) and code.id in parameters:
                yield function.name, parameters.index(code.id)


def _given(tree: ast.Module, makers: Makers) -> Iterator[str]:
    for code in _codes(tree, makers):
        yield from _literals(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(_is_code(target) for target in node.targets):
            yield from _literals(node.value)


def _codes(tree: ast.AST, makers: Makers) -> Iterator[ast.expr]:
    """Yield what is given to makers as the code."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "id", None) or getattr(call.func, "attr", "")
        if name in makers:
            yield from call.args[makers[name] : makers[name] + 1]
            yield from (keyword.value for keyword in call.keywords if keyword.arg == "code")


def _is_code(target: ast.expr) -> bool:
    names = target.elts if isinstance(target, ast.Tuple) else [target]
    return any(isinstance(name, ast.Name) and name.id == "code" for name in names)


def _literals(value: ast.expr) -> Iterator[str]:
    """Yield the texts that an expression can be, or that stand in the pairs that it can be."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from (*_literals(value.body), *_literals(value.orelse))
    elif isinstance(value, ast.Tuple):
        yield from (literal for item in value.elts for literal in _literals(item))
    elif isinstance(value, ast.Call) and getattr(value.func, "attr", "") == "get":
        yield from _literals(value.args[-1])
