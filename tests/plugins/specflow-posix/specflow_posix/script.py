"""The text of the script: a line for each step, in groups whose steps need nothing of each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from specflow.graph.islands import Island

__all__ = ["Line", "quoted", "script_text"]


class Line(NamedTuple):
    """What the script has to say of a step."""

    id: str
    needs: tuple[str, ...]
    cpus: int
    environment: str
    secrets: tuple[tuple[str, str], ...]
    """Each secret, and the variable that holds it."""
    data: tuple[str, ...]


def script_text(island: Island, pipeline: Mapping[str, Any], lines: Sequence[Line]) -> str:
    """Return the whole script; names in it are the language's, and so plain, and everything else is quoted."""
    graph = island.graph
    text = _BODY
    for name, value in (
        ("@HEAD@", "\n".join(f"# {line}".rstrip() for line in _head(island, pipeline))),
        ("@NAME@", pipeline["name"]),
        ("@MOST@", str(graph.concurrency or 0)),
        ("@FAIL_FAST@", "yes" if graph.fail_fast else "no"),
        ("@LIMIT@", str(pipeline["timeout_s"] or 0)),
        ("@STEPS@", "\n".join(_steps(lines, pipeline["data"]))),
    ):
        text = text.replace(name, value)
    return text


def _head(island: Island, pipeline: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"The pipeline {pipeline['name']} {pipeline['version'] or ''}".rstrip() + ", made by specflow: compile it again"
    )
    yield "rather than change this. It needs a POSIX shell and Python 3.10 or later, and nothing else."
    yield ""
    yield "  sh run.sh NAME=VALUE ..."
    yield ""
    for name, facts in pipeline["inputs"].items():
        kind = f"{facts['type']}, several" if facts.get("many") else facts["type"]
        left_out = "optional" if facts["optional"] else "required" if facts["default"] is None else "has a default"
        yield f"  {name:<12} {kind}; {left_out}"
    yield ""
    yield "Variables:"
    yield f"  OUT          the run's folder [{pipeline['name']}-run]; with that of a run that stopped, it goes on there"
    yield "  JOBS         processor cores that steps may take at once [all]"
    yield "  PYTHON       the interpreter [python3]"
    yield "  RUN          the run's id [made of the time]"
    for secret, variable in pipeline["secrets"].items():
        yield f"  {variable:<12} the secret {secret}"
    schedule = island.graph.schedule
    if schedule is not None:
        yield ""
        yield f"In a crontab of {schedule.timezone}: {schedule.cron} sh .../run.sh"


def _steps(lines: Sequence[Line], data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the steps in waves: each after a `settle`, once all that it needs has ended."""
    waves: dict[int, list[Line]] = {}
    wave: dict[str, int] = {}
    for line in lines:
        wave[line.id] = max((wave[need] + 1 for need in line.needs), default=0)
        waves.setdefault(wave[line.id], []).append(line)
    for number in sorted(waves):
        if number:
            yield "settle"
        yield from (_step(line, data) for line in waves[number])


def _step(line: Line, data: Mapping[str, Any]) -> str:
    words = ["step", line.id, str(line.cpus)]
    if line.environment:
        words.append(f'--environment="$here/{line.environment}"')
    words += [f"--bind={secret}={variable}" for secret, variable in line.secrets]
    words += [f'--data={key}="$here/"{quoted(data[key]["path"])}' for key in line.data if "path" in data.get(key, {})]
    return " ".join(words)


def quoted(text: str) -> str:
    """Return a text as one word that the shell takes as it stands."""
    return "'" + text.replace("'", "'\\''") + "'"


_BODY = r"""#!/bin/sh
@HEAD@
set -u

here=$(CDPATH='' cd -P -- "$(dirname -- "$0")" && pwd -P) || exit 2
PYTHON=${PYTHON:-python3}
JOBS=${JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)}
OUT=${OUT:-@NAME@-run}
mkdir -p -- "$OUT" && OUT=$(CDPATH='' cd -P -- "$OUT" && pwd -P) || exit 2
RUN=$("$PYTHON" "$here/begin.py" "$here/pipeline.json" "$OUT" "${RUN:-}" "$@") || exit 2

most=@MOST@ limit=@LIMIT@ fail_fast=@FAIL_FAST@
busy=0 running=0 pids='' begun='' watch=''

# step ID CORES WORD...: starts a step, as soon as there is room for it; one that is done already is left alone.
step() {
    id=$1 cores=$2
    shift 2
    [ ! -e "$OUT/$id/record.json" ] || return 0
    [ "$cores" -le "$JOBS" ] || cores=$JOBS
    if [ $((busy + cores)) -gt "$JOBS" ] || [ "$running" -eq "$most" ] && [ "$running" -gt 0 ]; then settle; fi
    [ ! -e "$OUT/.halted" ] || set -- "$@" --halt="$OUT/.halted"
    mkdir -p -- "$OUT/$id"
    "$PYTHON" "$here/start.py" "$here/steps/$id/step.json" --target=posix --run="$RUN" --root="$OUT" \
        --inputs="$OUT/inputs.json" "$@" </dev/null >"$OUT/$id/log.txt" 2>&1 &
    pids="$pids $!" begun="$begun $id"
    busy=$((busy + cores)) running=$((running + 1))
}

# Waits for all steps that were started, and tells how they ended.
settle() {
    # shellcheck disable=SC2086  # words, one for each process
    [ -z "$pids" ] || wait $pids
    for one in $begun; do
        state=$(sed -n 's/.*"state":"\([a-z]*\)".*/\1/p' "$OUT/$one/record.json" 2>/dev/null)
        echo "$one: ${state:-ended without a record}"
        [ "$fail_fast$state" != yesfailed ] || : >"$OUT/.halted"
    done
    pids='' begun='' busy=0 running=0
}

# Ends what runs, and starts nothing new.
stop() {
    trap '' HUP INT TERM
    for pid in $pids; do kill -TERM "$pid" 2>/dev/null; done
    # shellcheck disable=SC2086
    [ -z "$pids" ] || wait $pids
    if [ -e "$OUT/.late" ]; then echo "@NAME@: the pipeline's timeout ran out"; exit 1; fi
    exit "$1"
}

trap 'stop 129' HUP
trap 'stop 130' INT
trap 'stop 143' TERM
trap '[ -z "$watch" ] || kill "$watch" 2>/dev/null' EXIT
if [ "$limit" -gt 0 ]; then
    (
        trap 'kill "$nap" 2>/dev/null; exit' TERM
        sleep "$limit" &
        nap=$!
        wait "$nap"
        : >"$OUT/.late"
        kill -TERM $$
    ) </dev/null >/dev/null 2>&1 &
    watch=$!
fi

@STEPS@
settle

"$PYTHON" "$here/launcher/launch.py" "$here/verdict.json" --target=posix --run="$RUN" --verdict --root="$OUT" \
    --manifest="$OUT/manifest.json"
code=$?
"$PYTHON" "$here/end.py" "$here/pipeline.json" "$OUT" || code=1
exit "$code"
"""
