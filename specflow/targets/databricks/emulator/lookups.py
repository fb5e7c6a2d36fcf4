"""What each dynamic value reference stands for in one task of one run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from specflow.targets.databricks.emulator.assumptions import Assumptions
from specflow.targets.databricks.emulator.references import BadReference, moment, resolve, value_text
from specflow.targets.databricks.emulator.runs import Run, Unit

__all__ = ["Lookup"]


class Lookup:
    """Resolves the references of one task; `url` is the workspace's address."""

    def __init__(self, run: Run, unit: Unit, url: str, assumptions: Assumptions) -> None:
        """Keep whose references they are."""
        self.run, self.unit, self.url, self.assumptions = run, unit, url, assumptions

    def text(self, text: str) -> str:
        """Return a text with its references resolved; raise BadReference."""
        found = resolve(text, self._safely(self._value))
        if "{{" in found and not self.assumptions.references_are_resolved_once:
            return resolve(found, self._or_literally(self._value))
        return found

    def all(self, value: Any) -> Any:
        """Return a list or mapping of texts with their references resolved."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.all(inner) for key, inner in value.items()}
        return [self.all(inner) for inner in value]

    def parameters(self) -> dict[str, str]:
        """Return the run's job parameters; theirs may name the job and the workspace."""
        if not self.assumptions.defaults_resolve_references:
            return dict(self.run.parameters)
        return {name: resolve(text, self._safely(self._outer)) for name, text in self.run.parameters.items()}

    def _safely(self, value_of: Callable[[tuple[str, ...]], str]) -> Callable[[tuple[str, ...]], str]:
        return value_of if self.assumptions.bad_reference_is_refused else self._or_literally(value_of)

    def _or_literally(self, value_of: Callable[[tuple[str, ...]], str]) -> Callable[[tuple[str, ...]], str]:
        """Return the same, but for bad references, which stay as they are."""

        def found(parts: tuple[str, ...]) -> str:
            try:
                return value_of(parts)
            except BadReference:
                return "{{" + ".".join(parts) + "}}"

        return found

    def _value(self, parts: tuple[str, ...]) -> str:
        match parts:
            case ("job", "parameters", name):
                parameters = self.parameters()
                if name in parameters:
                    return parameters[name]
            case ("task", "name"):
                return self.unit.key
            case ("task", "run_id"):
                return str(self.unit.last.run_id)
            case ("task", "execution_count"):
                return self._count(self.unit)
            case ("task", "notebook_path"):
                return str(self.unit.settings.get("notebook_task", {}).get("notebook_path", ""))
            case ("tasks", key, *rest) if key in self.run.units:
                return self._of_task(self.run.units[key], tuple(rest))
            case ("input",) if self.unit.parent is not None:
                return value_text(self.unit.input)
            case ("input", key) if self.unit.parent is not None and isinstance(self.unit.input, dict):
                if key in self.unit.input:
                    return value_text(self.unit.input[key])
            case _:
                return self._outer(parts)
        raise BadReference(f"{'.'.join(parts)} can't be resolved")

    def _of_task(self, unit: Unit, parts: tuple[str, ...]) -> str:
        match parts:
            case ("values", key) if key in unit.last.values:
                return value_text(unit.last.values[key])
            case ("run_id",):
                return str(unit.last.run_id)
            case ("result_state",):
                return unit.last.result.lower()
            case ("error_code",):
                return "RunExecutionError" if unit.last.result == "FAILED" else ""
            case ("execution_count",):
                return self._count(unit)
            case ("notebook_path",):
                return str(unit.settings.get("notebook_task", {}).get("notebook_path", ""))
        raise BadReference(f"tasks.{unit.key}.{'.'.join(parts)} can't be resolved")

    def _count(self, unit: Unit) -> str:
        return str(len(unit.attempts) if self.assumptions.execution_count_survives_repair else unit.tries)

    def _outer(self, parts: tuple[str, ...]) -> str:
        run = self.run
        match parts:
            case ("job", "id"):
                return str(run.job_id)
            case ("job", "name"):
                return str(run.settings.get("name", ""))
            case ("job", "run_id"):
                is_repaired = len(run.repairs) > 1 and not self.assumptions.run_id_survives_repair
                return str(run.repairs[-1].id if is_repaired else run.run_id)
            case ("job", "repair_count"):
                return str(max(0, len(run.repairs) - 1))
            case ("job", "start_time", word):
                return moment(run.started, word)
            case ("job", "trigger", "type"):
                return run.trigger.lower()
            case ("job", "trigger", "time", word):
                return moment(run.created, word)
            case ("workspace", "id"):
                return "1"
            case ("workspace", "url"):
                return self.url
        raise BadReference(f"{'.'.join(parts)} can't be resolved")
