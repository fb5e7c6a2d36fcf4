"""Random pipelines over three targets: files of a project, written from a seed."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STEP = Path(__file__).with_name("step.py")
WHENS = ["success()", "failure()", "always()", "success() || failure()", "!failure()", "!success()"]
WHENS_ON_A_VALUE = ["V", "V", "failure() && V", "always() && default(V, false)", "success() || default(V, false)"]
FATES = ["ok:odvn", "ok:odvn", "ok:odvn", "ok:odwn", "ok:ov", "ok:dn", "ok:", "fail", "fail,ok:odvn", "fail,fail,ok:ow"]
FATES_WITH_LIMIT = ["hang", "hang,ok:odvn"]
OUTPUTS = {"o": "file", "d": "folder", "v": "boolean", "n": "integer"}


@dataclass(slots=True)
class Source:
    """What steps can read: an output of a step, or an input of the pipeline around them, by what it holds."""

    step: str
    """Empty for an input."""
    texts: dict[str, str]
    """By `o`, `d`, `v`, `n`, the reference."""
    is_many: bool = False


@dataclass(slots=True)
class Writer:
    """Writes one project; `targets` are what its steps lie on."""

    folder: Path
    dice: random.Random
    targets: Sequence[str]
    most: int = 12
    has_hangs: bool = True
    fails_fast: bool = False
    left: int = 0
    pipelines: int = 0
    outputs: dict[str, Any] = field(default_factory=dict)

    def write(self) -> None:
        """Write `p.yaml` and what it uses."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.left = self.dice.randint(2, self.most)
        (self.folder / "text.txt").write_text("a text that was there before\n")
        inputs = {
            "f": {"type": "file", "default": "text.txt"},
            "gone": {"type": "file", "optional": True},
            "number": {"type": "integer", "default": 3},
        }
        around = [
            Source("", {"o": "inputs.f", "n": "inputs.number"}),
            Source("", {"o": "inputs.gone"}),
        ]
        self.fails_fast = self.dice.random() < 0.15
        steps, sources = self._steps(around, "s", 0)
        head = {"fail_fast": True} if self.fails_fast else {}
        outputs = self._outputs(sources)
        self._save("p.yaml", {"name": "p", "inputs": inputs, **head, "steps": steps, "outputs": outputs})

    def _outputs(self, sources: list[Source]) -> dict[str, Any]:
        found = {}
        for number in range(self.dice.randint(0, 3)):
            source = self.dice.choice(sources)
            kind = self.dice.choice(sorted(source.texts))
            optional = self.dice.random() < 0.7
            found[f"out{number}"] = {"from": f"${{{{ {source.texts[kind]} }}}}", "optional": optional}
        return found

    def _steps(self, around: list[Source], prefix: str, depth: int) -> tuple[dict[str, Any], list[Source]]:
        """Return steps by name, and what can be read of them."""
        steps: dict[str, Any] = {}
        sources: list[Source] = []
        most = self.left if depth == 0 else self.dice.randint(1, min(3, self.left))
        while self.left > 0 and most > 0:
            name = f"{prefix}{len(steps)}"
            if depth < 2 and self.left > 2 and self.dice.random() < 0.15:
                before = self.left
                steps[name], source = self._call(name, [*around, *sources], [*sources], depth)
                most -= before - self.left
            else:
                steps[name], source, count = self._step(name, [*around, *sources], sources)
                self.left -= count
                most -= count
            sources.append(source)
        return steps, sources

    def _step(self, name: str, readable: list[Source], before: list[Source]) -> tuple[dict[str, Any], Source, int]:
        reads = self._reads(readable)
        call: dict[str, Any] = {"inputs": {"fate": self.dice.choice(FATES)}}
        more = self._order(before, [source for source, _, _ in reads])
        required_output = self.dice.random() < 0.3
        # Whether an attempt is repeated once another step has failed for good is a matter of time.
        retries = self.dice.choice([None, None, 2, 3]) if not self.fails_fast else None
        if self.has_hangs and self.dice.random() < 0.1:
            call["inputs"]["fate"] = self.dice.choice(FATES_WITH_LIMIT)
            more["timeout"] = "30s"
        if retries is not None:
            more["retry"] = {"attempts": retries, "delay": "1s"}
        ports = {}
        for number, (source, kind, mode) in enumerate(reads):
            port = f"p{number}"
            ports[port] = (kind, mode, source.is_many)
            call["inputs"][port] = f"${{{{ {source.texts[kind]} }}}}"
        count = 1
        if self.left > 2 and self.dice.random() < 0.2:
            count = self.dice.randint(2, min(3, self.left))
            more["matrix"] = {"i": list(range(count))}
            call["inputs"]["instance"] = "${{ matrix.i }}"
        call = {
            "uses": self._step_file(ports, required_output),
            "target": self.dice.choice(self.targets),
            **call,
            **more,
        }
        texts = {kind: f"steps.{name}.outputs.{kind}" for kind in OUTPUTS}
        return call, Source(name, texts, count > 1), count

    def _reads(self, readable: list[Source]) -> list[tuple[Source, str, str]]:
        found = []
        for source in self.dice.sample(readable, min(len(readable), self.dice.randint(0, 3))):
            kind = self.dice.choice(sorted(source.texts))
            found.append((source, kind, self.dice.choice(["required", "optional"])))
        return found

    def _order(self, before: list[Source], read: list[Source]) -> dict[str, Any]:
        """Return `after` and `when` of a step."""
        found: dict[str, Any] = {}
        after = [source.step for source in before if source.step and self.dice.random() < 0.1]
        if after:
            found["after"] = after
        asked = [source for source in before if "v" in source.texts and not source.is_many]
        chance = self.dice.random()
        if chance < 0.2:
            found["when"] = f"${{{{ {self.dice.choice(WHENS)} }}}}"
        elif chance < 0.4 and asked:
            text = self.dice.choice(asked).texts["v"]
            found["when"] = f"${{{{ {self.dice.choice(WHENS_ON_A_VALUE).replace('V', text)} }}}}"
        del read
        return found

    def _call(
        self, name: str, readable: list[Source], before: list[Source], depth: int
    ) -> tuple[dict[str, Any], Source]:
        """Return a call of a pipeline of its own, and what it gives."""
        self.pipelines += 1
        file = f"inner{self.pipelines}.yaml"
        inputs, given, around = {}, {}, []
        for number, (source, kind, mode) in enumerate(self._reads([one for one in readable if not one.is_many])):
            port = f"i{number}"
            inputs[port] = {"type": OUTPUTS[kind], "optional": mode == "optional"}
            given[port] = f"${{{{ {source.texts[kind]} }}}}"
            around.append(Source("", {kind: f"inputs.{port}"}))
        steps, sources = self._steps(around, f"{name}t", depth + 1)
        last = sources[-1]
        outputs = {kind: {"from": f"${{{{ {text} }}}}", "optional": True} for kind, text in last.texts.items()}
        self._save(file, {"name": f"inner{self.pipelines}", "inputs": inputs, "steps": steps, "outputs": outputs})
        call = {"uses": file, "inputs": given, **self._order(before, [])}
        texts = {kind: f"steps.{name}.outputs.{kind}" for kind in last.texts}
        return call, Source(name, texts, last.is_many)

    def _step_file(self, ports: dict[str, tuple[str, str, bool]], required_output: bool) -> str:
        """Return the folder of a step that has such ports; alike ones share it."""
        said = [f"{kind}{mode[0]}{'m' if many else ''}" for kind, mode, many in ports.values()]
        name = "_".join(["step", *said, *(["strict"] if required_output else [])])
        folder = self.folder / name
        if folder.exists():
            return name
        inputs: dict[str, Any] = {"fate": {"type": "string"}, "instance": {"type": "integer", "optional": True}}
        command = ["python", "step.py", "${{ inputs.fate }}", "$[[val:instance=${{ inputs.instance }}]]"]
        for port, (kind, mode, many) in ports.items():
            inputs[port] = {"type": OUTPUTS[kind], "optional": mode == "optional", "many": many}
            if many:
                listed = f"${{{{ inputs.{port} }}}}"
                command.append(f"$[[{listed}]]" if mode == "optional" else listed)
                continue
            word = "in" if kind in "od" else "val"
            text = f"{word}:{port}=${{{{ inputs.{port} }}}}"
            command.append(f"$[[{text}]]" if mode == "optional" else text)
        outputs = {
            kind: {"type": type_, "optional": not (required_output and kind == "o")} for kind, type_ in OUTPUTS.items()
        }
        command += [f"{kind}=${{{{ outputs.{kind} }}}}" for kind in OUTPUTS]
        self._save(
            f"{name}/step.yaml", {"name": name, "inputs": inputs, "outputs": outputs, "run": command, "code": "."}
        )
        shutil.copyfile(STEP, folder / "step.py")
        return name

    def _save(self, name: str, document: dict[str, Any]) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"specflow": 1, **document}))
