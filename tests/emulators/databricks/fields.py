"""The fields of the Jobs API's messages, from databricks-sdk's types: `python -m tests.emulators.databricks.fields`."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import json
import sys
import typing
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[3] / "specflow/targets/databricks/emulator/fields.json"
REQUESTS = {"CreateJob": "create", "RunNow": "run_now", "RepairRun": "repair_run", "SubmitRun": "submit"}
ROOTS = ("JobSettings",)
PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", dict: "object"}


def read() -> dict[str, Any]:
    """Return the messages by name: fields and types (plain, a message, an enum, "[T]", "{T}"), "!" if required."""
    from databricks.sdk import version
    from databricks.sdk.service import jobs

    messages: dict[str, dict[str, str]] = {}
    enums: dict[str, list[str]] = {}

    def word(kind: Any) -> str:
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin is typing.Union:
            (inner,) = [one for one in arguments if one is not type(None)]
            return word(inner)
        if origin is list:
            return f"[{word(arguments[0])}]"
        if origin is dict:
            return f"{{{word(arguments[1])}}}"
        if kind in PLAIN:
            return PLAIN[kind]
        if kind is Any:
            return "any"
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            enums[kind.__name__] = sorted(member.value for member in kind)
            return kind.__name__
        if dataclasses.is_dataclass(kind):
            module = vars(sys.modules[kind.__module__])
            # As locals too: a field named "compute" would hide the module of that name.
            add(kind.__name__, typing.get_type_hints(kind, module, module), required(kind))
            return kind.__name__
        raise TypeError(kind)

    def required(kind: Any) -> set[str]:
        return {field.name for field in dataclasses.fields(kind) if field.default is dataclasses.MISSING}

    def add(name: str, hints: dict[str, Any], needed: set[str]) -> None:
        if name not in messages:
            messages[name] = {}
            for key, kind in sorted(hints.items()):
                if key != "return":
                    messages[name][key] = word(kind) + ("!" if key in needed else "")

    for root in ROOTS:
        word(getattr(jobs, root))
    for name, method in REQUESTS.items():
        call = getattr(jobs.JobsAPI, method)
        needed = {key for key, one in inspect.signature(call).parameters.items() if one.default is one.empty}
        add(name, typing.get_type_hints(call, vars(jobs)), needed)
    return {"source": f"databricks-sdk {version.__version__}", "enums": enums, "messages": messages}


def text(data: dict[str, Any]) -> str:
    """Return the data as the file holds it: one line for each message and enum."""
    lines = [f' "source": {json.dumps(data["source"])}']
    for part in ("enums", "messages"):
        entries = [f"  {json.dumps(name)}: {json.dumps(data[part][name])}" for name in sorted(data[part])]
        lines.append(f' "{part}": {{\n' + ",\n".join(entries) + "\n }")
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    FILE.write_text(text(read()))
