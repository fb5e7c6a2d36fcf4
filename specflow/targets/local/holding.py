"""What a run leaves standing, made from its steps (specflow/recall). Most plans qualify, some hang on more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from specflow.attempt.evaluate import children
from specflow.attempt.values import PATH_TYPES
from specflow.history import History
from specflow.plan import Plan
from specflow.recall.marks import Mark
from specflow.recall.standing import Held, Standing, interpreter, read_standing
from specflow.targets.local.cache import Cache, Made
from specflow.targets.local.steps import Options, Step

__all__ = ["Holding"]


def _can_stand(plan: Plan, options: Options) -> bool:
    """Return whether a run's outcome may follow from files and inputs, its steps left aside."""
    document = plan.document
    outputs = document["outputs"].values()
    return (
        plan.memory is not None
        and options.use_cache
        and not (options.force or options.resumed or options.selection)
        and not (document["secrets"] or document["islands"])
        and not any(output["location"] or output["register"] for output in outputs)
    )


def _is_settled_by_files(step: Mapping[str, Any]) -> bool:
    if not step["cache"] or step["asks_run"] or "notebook" in step["attempt"] or "spark" in step["attempt"]:
        return False
    trees = [*step["bindings"].values(), *(each["when"] for each in step["conditions"] if each["when"] is not None)]
    return not any(_asks_run(tree) for tree in trees)


def _asks_run(tree: list[Any]) -> bool:
    return tree[0] == "run" or any(_asks_run(child) for child in children(tree))


class Holding:
    """The results that the last run of the same left standing: taken up by a run, and handed on by it."""

    def __init__(self, plan: Plan, options: Options, inputs: Mapping[str, Any], history: History) -> None:
        """Look at what is kept, if the plan qualifies and the run that left it is still known."""
        self.plan, self.inputs = plan, inputs
        self.is_possible = _can_stand(plan, options)
        self.before: Standing | None = None
        self.held: dict[str, Held] = {}
        if not self.is_possible or plan.memory is None:
            return
        kept = read_standing(plan.memory, plan.document["digest"], inputs)
        if kept is None:  # else its steps have been looked at
            self.is_possible = all(_is_settled_by_files(step) for step in plan.document["steps"])
        elif history.has_run(kept.run):
            self.before = kept
            self.held = {step.id: step for step in kept.holding()}

    def take(self, step: str) -> Made | None:
        """Return the result of a step that need not be worked out again."""
        held = self.held.get(step)
        return None if held is None else Made(held.outputs, held.metrics, held.home)

    def hand_on(self, run: str, outputs: Mapping[str, Any], steps: Iterable[Step], cache: Cache) -> Standing | None:
        """Return what a run that succeeded leaves standing; None if a file may be changed without its mark showing."""
        if not self.is_possible:
            return None
        files = _Files(self.before.files if self.before is not None else ())
        stand = []
        for step in steps:
            held, made = self.held.get(step.id), step.made
            marks = _marks_of(step, cache) if held is None else {}
            if marks is None or made is None:
                return None
            own = files.handed_on(held.files) if held is not None else [files.number(*each) for each in marks.items()]
            stand.append(Held(step.id, step.label, step.spec["needs"], made.home, made.outputs, made.metrics, own))
        document = self.plan.document
        by = interpreter(with_packages=any(step["environment"] is not None for step in document["steps"]))
        return Standing(run, self.plan.name, document["digest"], self.inputs, by, files.all, stand, outputs)


class _Files:
    """The files that a run leaves, numbered; of those that it took up, new numbers by the old ones."""

    def __init__(self, before: Sequence[tuple[str, Mark]]) -> None:
        self.before, self.renumbered = before, [-1] * len(before)
        self.all: list[tuple[str, Mark]] = []
        self.numbers: dict[str, int] = {}

    def handed_on(self, numbers: Iterable[int]) -> list[int]:
        """Return the numbers of files that had these before."""
        found = []
        for number in numbers:
            if self.renumbered[number] < 0:
                self.renumbered[number] = self.number(*self.before[number])
            found.append(self.renumbered[number])
        return found

    def number(self, path: str, known: Mark) -> int:
        """Return the number of a file."""
        number = self.numbers.setdefault(path, len(self.all))
        if number == len(self.all):
            self.all.append((path, known))
        return number


def _marks_of(step: Step, cache: Cache) -> dict[str, Mark] | None:
    """Return the marks of a step's outputs, and of its inputs that no step made; None if one can't be relied on."""
    marks: dict[str, Mark] = {}
    for path in _files_of(step, str(cache.folder)):
        found = cache.marks_of(path)
        if found is None:
            return None
        marks.update(found)
    return marks


def _files_of(step: Step, results: str) -> Iterator[str]:
    made = step.made.outputs if step.made is not None else {}
    for port, facts in step.spec["attempt"]["outputs"].items():
        if facts["type"] in PATH_TYPES and made.get(port) is not None:
            yield made[port]
    for port, facts in step.spec["attempt"]["inputs"].items():
        value = (step.values or {}).get(port)
        if facts["type"] in PATH_TYPES and value is not None:
            for path in value if isinstance(value, list) else [value]:
                if not path.startswith(f"{results}/"):
                    yield path
