"""Runs a plan here: what is ready, up to `jobs` at once; retries, timeouts, conditions; and says what happens.

One thread, one loop: start what can start, wait for whatever comes first (an end, a deadline, a delay, a signal). A
step counts as done once the history has it; that is written in groups, so that durability isn't paid per step.
"""

from __future__ import annotations

import contextlib
import heapq
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from specflow.attempt.collect import Collected
from specflow.attempt.evaluate import EvaluationError, evaluate
from specflow.attempt.mask import mask_file
from specflow.attempt.outcomes import CANCELLED, FAIL_FAST, Outcome, run_state
from specflow.attempt.prepare import PrepareError
from specflow.attempt.track import tracking_process
from specflow.errors import SpecflowError
from specflow.history import History, StepRow
from specflow.plan import Plan
from specflow.targets.local.attempts import Attempt, CodeStore, hint_for, left_behind, start
from specflow.targets.local.bindings import Bindings
from specflow.targets.local.builds import Build, Builds
from specflow.targets.local.cache import Cache, Key, Made
from specflow.targets.local.environments import Environments
from specflow.targets.local.holding import Holding
from specflow.targets.local.journal import Journal
from specflow.targets.local.locks import Claims
from specflow.targets.local.processes import Child, Processes
from specflow.targets.local.selection import NOT_SELECTED
from specflow.targets.local.steps import Options, Result, Step, StepResult
from specflow.targets.local.workspace import RunFolder, Workspace, tidy_work

if TYPE_CHECKING:
    from specflow.targets.local.crossings import Crossings

__all__ = ["Options", "Result", "StepResult", "execute"]

Event = dict[str, Any]
RUN_TIMEOUT = "the pipeline's timeout ran out"
TRACKING_S = 30.0
"""How long a run that has ended waits for its metrics to be logged."""
CONTENTION_S = 0.1
"""How long to wait before asking again whether another run is done with a step."""


def execute(
    plan: Plan,
    inputs: Mapping[str, Any],
    workspace: Workspace,
    history: History,
    run_id: str,
    now: datetime,
    options: Options,
    tell: Callable[[Event], None],
    processes: Processes,
    is_interrupted: Callable[[], int],
) -> Result:
    """Return how the run of a plan ended; events go to `tell` as they happen.

    `is_interrupted` counts the user's Ctrl-C: one ends the run in order, a second one at once.
    """
    return _Run(plan, inputs, workspace, history, run_id, now, options, tell, processes, is_interrupted).go()


class _Run:
    """One run; used once."""

    def __init__(
        self,
        plan: Plan,
        inputs: Mapping[str, Any],
        workspace: Workspace,
        history: History,
        run_id: str,
        now: datetime,
        options: Options,
        tell: Callable[[Event], None],
        processes: Processes,
        is_interrupted: Callable[[], int],
    ) -> None:
        self.plan, self.options = plan, options
        self.processes, self.is_interrupted = processes, is_interrupted
        self.folder: RunFolder = workspace.run(run_id)
        self.root = workspace.root
        self.facts = {"id": run_id, "date": f"{now:%Y-%m-%d}", "pipeline": plan.name, "target": "local"}
        self.cache = Cache(workspace.results, history)
        self.claims = Claims(workspace.locks)
        self.code = CodeStore(plan, workspace)
        self.environments = Environments(plan, workspace.path / "environments")
        self.bindings = Bindings(plan, inputs, self.facts)
        self.steps = {
            spec["id"]: Step(index, spec, len(spec["needs"]), min(spec["cpus"], options.jobs))
            for index, spec in enumerate(plan.document["steps"])
        }
        self.behind: dict[str, list[Step]] = {name: [] for name in self.steps}
        for step in self.steps.values():
            for need in step.spec["needs"]:
                self.behind[need].append(step)
        self.holding = Holding(plan, options, inputs, history)
        self.abroad = self._abroad(inputs, history, run_id)
        self.registered: dict[str, str] = {}
        self.unreachable: SpecflowError | None = None
        self.builds = Builds(self.environments, processes, self.folder.path, options.environ)
        self.metrics: dict[str, Any] = {}
        self.ready: list[tuple[int, str]] = []
        self.delayed: list[tuple[float, int, str]] = []
        self.running: dict[str, Step] = {}
        self.journal = Journal(history, tell, self.claims.written)
        self.free = options.jobs
        self.stopping: Outcome | None = None
        self.cancelled = self.hurried = self.is_detached = False
        self.unfinished = len(self.steps)

    def _abroad(self, inputs: Mapping[str, Any], history: History, run_id: str) -> Crossings | None:
        if not self.plan.document["islands"]:
            return None
        from specflow.targets.local.crossings import Crossings  # with them comes the language
        from specflow.targets.local.foreign import Abroad

        assert self.options.bridges is not None
        abroad = Abroad(
            self.plan,
            inputs,
            self.bindings,
            self.cache,
            history,
            run_id,
            self.folder.path,
            self.options.bridges,
            self.processes.wake,
            self.root,
        )
        abroad.keep()
        return Crossings(abroad, self)

    # The loop

    def go(self) -> Result:
        self.folder.make()
        try:
            return self._loop()
        finally:
            self.processes.close()
            try:
                self.journal.commit()
            finally:
                self.claims.close()

    def _loop(self) -> Result:
        limit = self.plan.document["timeout_s"]
        deadline = None if limit is None else self.processes.now() + limit
        self.tell("run_started", pipeline=self.plan.name, steps=[step.label for step in self.steps.values()])
        for step in self.steps.values():
            if not step.open_needs and not step.is_foreign:
                heapq.heappush(self.ready, (step.index, step.id))
        while self._goes_on():
            self._heed_interrupts()
            now = self.processes.now()
            if deadline is not None and now >= deadline and self.stopping is None:
                self._stop(Outcome("failed", RUN_TIMEOUT))
            while self.delayed and self.delayed[0][0] <= now:
                _, index, name = heapq.heappop(self.delayed)
                heapq.heappush(self.ready, (index, name))
            self._start_what_can()
            if self.options.detaches:
                self._leave_what_is_sent()
            if self._goes_on():
                self._wait(deadline)
        self.journal.commit()
        self._finish_tracking()
        return self._result()

    def _goes_on(self) -> bool:
        """Return whether a step has not ended, or a job elsewhere whose steps have."""
        return bool(self.unfinished) or (self.abroad is not None and bool(self.abroad.abroad.under_way()))

    def _finish_tracking(self) -> None:
        """Give what logs metrics time to end."""
        end = self.processes.now() + TRACKING_S
        while self.processes.children and self.processes.now() < end and not self.cancelled:
            for child in self.processes.wait(end - self.processes.now()):
                self._ended(child)

    def _wait(self, run_deadline: float | None) -> None:
        patience = self._patience(run_deadline)
        patience = self.journal.patience(patience)
        ended = self.processes.wait(patience)
        if not ended:
            self.journal.commit()
        for child in ended:
            self._ended(child)
        if self.abroad is not None:
            self.abroad.heed()
        now = self.processes.now()
        for step in self.running.values():
            if step.deadline is not None and now >= step.deadline and not step.timed_out and step.attempt is not None:
                step.timed_out = True
                step.attempt.child.terminate(now)

    def _patience(self, run_deadline: float | None) -> float | None:
        """Return how long nothing can happen unless a process ends."""
        moments = [step.deadline for step in self.running.values() if step.deadline is not None and not step.timed_out]
        if self.delayed:
            moments.append(self.delayed[0][0])
        if run_deadline is not None and self.stopping is None:
            moments.append(run_deadline)
        return max(0.0, min(moments) - self.processes.now()) if moments else None

    # Ending early

    def _heed_interrupts(self) -> None:
        count = self.is_interrupted()
        if count and not self.cancelled:
            self.cancelled = True
            self.tell("run_cancelling")
            self._stop(Outcome("cancelled", CANCELLED))
        if count > 1 and not self.hurried:
            self.hurried = True
            for step in self.running.values():
                if step.attempt is not None:
                    step.attempt.child.kill()
            if self.abroad is not None:
                self.abroad.leave()

    def _leave_what_is_sent(self) -> None:
        """Wait no longer if nothing but jobs elsewhere is left; the next run with the same content takes them up."""
        is_busy = self.running or self.ready or self.delayed or self.stopping is not None
        if self.abroad is None or is_busy or not self.abroad.is_all_that_is_left():
            return
        self.is_detached = True
        self.hold_back(Outcome("cancelled", self.abroad.reason), Outcome("cancelled", self.abroad.reason))
        self.abroad.leave()

    def _stop(self, outcome: Outcome) -> None:
        """Start nothing new and end what runs; a step under way ends with `outcome`."""
        now = self.processes.now()
        for step in self.running.values():
            if step.attempt is not None:
                step.attempt.child.terminate(now)
        if self.abroad is not None:
            self.abroad.cancel()
        self.hold_back(outcome, outcome if outcome.state == "cancelled" else Outcome("skipped", FAIL_FAST))

    def hold_back(self, stopping: Outcome, outcome: Outcome) -> None:
        """Start nothing new: whatever isn't under way ends with `outcome`."""
        self.stopping = stopping
        for step in self.steps.values():
            is_there = self.abroad is not None and self.abroad.has_sent(step)
            if step.outcome is None and step.id not in self.running and not is_there:
                self.close(step, outcome)
        self.ready, self.delayed = [], []
        self.builds.end()

    # Starting

    def _start_what_can(self) -> None:
        """Start steps and send islands, until what that has ended at once lets nothing more go."""
        self._start_ready()
        while self.abroad is not None and self.stopping is None and self.abroad.start_ready():
            self._start_ready()

    def _start_ready(self) -> None:
        most = self.plan.document["concurrency"] or len(self.steps)
        while self.ready and self.stopping is None:
            step = self.steps[self.ready[0][1]]
            if step.attempts == 0 and self._is_settled(step):
                heapq.heappop(self.ready)
                continue
            if not self.environments.is_made(step.spec["environment"]):
                heapq.heappop(self.ready)
                self.builds.wait(step)
                continue
            if step.slots > self.free or len(self.running) >= most:
                return
            heapq.heappop(self.ready)
            self._start(step)

    def _is_settled(self, step: Step) -> bool:
        """Return whether a step needs no process of ours now: it ends without running, or somebody else runs it."""
        if self._is_left_out(step):
            return True
        held = self.holding.take(step.id)
        if held is not None:
            self.close(step, Outcome("cached"), held)
            return True
        if step.values is None:
            settled = self.bindings.settle(step.spec)
            if isinstance(settled, Outcome):
                self.close(step, settled)
                return True
            step.values = settled
            try:
                environment = self.environments.identity(step.spec["environment"])
                step.key = self.cache.key(step.spec, settled, environment, self.facts)
            except OSError as failure:
                self.close(step, Outcome("failed", _os_reason(failure)))
                return True
        assert step.key is not None
        if step.holds_lock:  # then nobody else can have made it meanwhile
            return False
        if not self._shares(step):
            return self._take_over(step, step.key)
        return self._is_run_by_another(step, step.key.digest)

    def _is_left_out(self, step: Step) -> bool:
        """Return whether a step is not in the part that runs: what others need of it is taken from an earlier run."""
        selection = self.options.selection
        if selection is None or step.id in selection.steps:
            return False
        made = self.cache.at(selection.taken[step.id]) if step.id in selection.taken else None
        self.close(step, Outcome("skipped", NOT_SELECTED) if made is None else Outcome("cached"), made)
        return True

    def _shares(self, step: Step) -> bool:
        """Return whether a step's result may be another's: not if it must run every time."""
        return step.spec["cache"] and self.options.use_cache and step.label not in self.options.force

    def _take_over(self, step: Step, key: Key) -> bool:
        made = self.cache.find(key) if self._shares(step) else None
        if made is None and step.id in self.options.resumed:
            made = self.cache.find_again(self.options.resumed[step.id], key)
        if made is None:
            return False
        self.close(step, Outcome("cached"), made)
        return True

    def _is_run_by_another(self, step: Step, key: str) -> bool:
        """Return whether another step, or another run, is at the very same work; if so, ask again when it is done."""
        holder = self.claims.claim(key, step)
        if holder == "another run":
            heapq.heappush(self.delayed, (self.processes.now() + CONTENTION_S, step.index, step.id))
        if holder != "us":
            return True
        step.holds_lock = True
        assert step.key is not None
        return self._take_over(step, step.key)

    def _start(self, step: Step) -> None:
        step.attempts += 1
        if step.attempts == 1:
            step.began, step.started_at = self.processes.now(), time.time()
        log = self.folder.log_name(step.id, step.attempts)
        self.tell("step_started", step, attempt=step.attempts, log=log)
        try:
            step.attempt = start(
                step.spec,
                step.values or {},
                {**self.facts, "attempt": step.attempts},
                self.folder.attempt(step.id, step.attempts),
                log,
                self.environments.python(step.spec["environment"]),
                self.options.environ,
                {name: self.options.secrets[name] for name in step.spec["attempt"]["secrets"]},
                self.code,
                self.processes,
                step,
            )
        except (PrepareError, EvaluationError, SpecflowError) as failure:
            self._failed(step, str(failure), can_retry=False)
        except OSError as failure:
            self._failed(step, _os_reason(failure))
        else:
            limit = step.spec["timeout_s"]
            step.deadline = None if limit is None else self.processes.now() + limit
            step.timed_out = False
            self.running[step.id] = step
            self.free -= step.slots

    # Ending

    def _ended(self, child: Child) -> None:
        if child.tag is None:
            if child.returncode:
                self.tell("tracking_failed", code=child.returncode)
            return
        if isinstance(child.tag, Build):
            for waiting in self.builds.ended(child.tag, child):
                heapq.heappush(self.ready, (waiting.index, waiting.id))
            return
        step: Step = child.tag
        del self.running[step.id]
        self.free += step.slots
        names = step.spec["attempt"]["secrets"]
        if names:
            with contextlib.suppress(OSError):  # a disk may be full now
                mask_file(str(self.folder.log(step.id, step.attempts)), [self.options.secrets[name] for name in names])
        code = child.returncode
        if self.stopping is not None and (self.stopping.state == "cancelled" or self.stopping.reason == RUN_TIMEOUT):
            self.close(step, self.stopping)
        elif step.timed_out:
            self._failed(step, f"timeout after {step.spec['timeout_s']} s")
        elif code:
            self._failed(step, f"exit code {code}" if code > 0 else f"killed by signal {-code}")
        else:
            self._publish(step)

    def _publish(self, step: Step) -> None:
        """Take over what a process left that ended well: check it, move it to its place in one step, remember it."""
        attempt, key = step.attempt, step.key
        assert attempt is not None
        assert key is not None
        try:
            found: Collected = left_behind(step.spec, attempt)
            if not found.problems:
                tidy_work(attempt.folder)
                made = self._take(step, key, attempt, found)
        except OSError as failure:
            self._failed(step, _os_reason(failure))
            return
        if found.problems:
            self._failed(step, "; ".join(found.problems))
            return
        self._track(step, attempt, made)
        self.close(step, Outcome("succeeded"), made)

    def _track(self, step: Step, attempt: Attempt, made: Made) -> None:
        """Start handing a step's metrics to the user's MLflow server, if there is one; nothing waits for it."""
        python = self.environments.python(step.spec["environment"])
        process = tracking_process(python, attempt.prepared.env, made.metrics, self.facts, step.label)
        if process is not None:
            argv, env = process
            log = self.folder.log(step.id, step.attempts).with_suffix(".mlflow.log")
            self.processes.start(argv, env, str(self.folder.path), log, None)

    def _take(self, step: Step, key: Key, attempt: Attempt, found: Collected) -> Made:
        own = None if self._shares(step) else f"{self.facts['id']}/{step.id}"
        name = f"{self.plan.name}/{step.label}"
        return self.cache.take(
            key, attempt.folder, step.spec, found, self.facts["id"], name, own, is_shared=step.spec["cache"]
        )

    def _failed(self, step: Step, reason: str, *, can_retry: bool = True) -> None:
        log = self.folder.log(step.id, step.attempts)
        retry = step.spec["retry"]
        if can_retry and step.attempts < retry["attempts"] and self.stopping is None:
            delay = retry["delay_s"] * retry["backoff"] ** (step.attempts - 1)
            self.tell("attempt_failed", step, attempt=step.attempts, reason=reason, log=str(log), retry_in=delay)
            heapq.heappush(self.delayed, (self.processes.now() + delay, step.index, step.id))
            return
        hint = hint_for(step.spec, log, self.plan)
        self.close(step, Outcome("failed", reason), log=str(log), hint=hint)

    def close(self, step: Step, outcome: Outcome, made: Made | None = None, **more: Any) -> None:
        """Enter how a step ended, and let go of what waited for it."""
        step.outcome, step.made = outcome, made
        step.seconds = self.processes.now() - step.began if step.attempts else 0.0
        self.unfinished -= 1
        self.bindings.end(step.id, outcome, made.outputs if made is not None else None)
        if step.holds_lock and step.key is not None:
            step.holds_lock = False
            for other in self.claims.let_go(step.key.digest):
                if other.outcome is None:
                    heapq.heappush(self.ready, (other.index, other.id))
        metrics = made.metrics if made is not None else {}
        if metrics:
            self.metrics[step.label] = metrics
        row = StepRow(
            self.facts["id"],
            step.index,
            step.id,
            step.label,
            outcome.state,
            outcome.reason,
            step.attempts,
            step.started_at or None,
            step.seconds,
            made.home or None if made is not None else None,
            metrics,
        )
        event: Event = {"event": "step_finished", "run": self.facts["id"], "step": step.label, "state": outcome.state}
        event |= {"attempts": step.attempts, "seconds": round(step.seconds, 3), "reason": outcome.reason}
        if metrics:
            event["metrics"] = metrics
        self.journal.ended(row, {**event, **more})
        for following in self.behind[step.id]:
            following.open_needs -= 1
            is_next = not following.open_needs and following.outcome is None and self.stopping is None
            if is_next and not following.is_foreign:
                heapq.heappush(self.ready, (following.index, following.id))
        if self.abroad is not None:
            self.abroad.closed(step)
        if outcome.state == "failed" and self.plan.document["fail_fast"] and self.stopping is None:
            self.hold_back(Outcome("skipped", FAIL_FAST), Outcome("skipped", FAIL_FAST))

    # The end

    def _result(self) -> Result:
        declared = self.plan.document["outputs"]
        outputs = {name: evaluate(output["tree"], self.bindings.look_up) for name, output in declared.items()}
        absent = [name for name, value in outputs.items() if value in (None, []) and not declared[name]["optional"]]
        if self.options.selection is not None:
            absent = []  # a part of the pipeline promises no outputs
        state: str = run_state(self.bindings.outcomes, absent, was_cancelled=self.cancelled)
        reason = ""
        if state == "cancelled" and self.is_detached:
            state = "detached"
        if self.stopping is not None and self.stopping.reason == RUN_TIMEOUT:
            state, reason = "failed", RUN_TIMEOUT
        elif state == "failed" and not any(outcome.state == "failed" for outcome in self.bindings.outcomes.values()):
            reason = f'the required output "{absent[0]}" is absent'
        steps = {
            step.label: StepResult(step.outcome, step.attempts, step.seconds)
            for step in self.steps.values()
            if step.outcome is not None
        }
        damaged = tuple(self.cache.damaged)
        run = self.facts["id"]
        standing = None
        if state == "succeeded":
            standing = self.holding.hand_on(run, outputs, self.steps.values(), self.cache)
        return Result(
            run, state, outputs, steps, self.metrics, reason, damaged, self.registered, self.unreachable, standing
        )

    def tell(self, event: str, step: Step | None = None, **more: Any) -> None:
        """Tell the user of something."""
        told: Event = {"event": event, "run": self.facts["id"]}
        if step is not None:
            told["step"] = step.label
        told.update(more)
        self.journal.tell(told)


def _os_reason(failure: OSError) -> str:
    """Return what the system said, and about what."""
    said = failure.strerror or str(failure)
    return f"{said.lower()}: {failure.filename}" if failure.filename else said.lower()
