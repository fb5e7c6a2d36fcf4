"""Runs a plan here: what is ready, up to `jobs` at once; retries, timeouts, conditions; and says what happens.

One thread, one loop: start what can start, wait for whatever comes first (an end, a deadline, a delay, a signal). A
step counts as done once the history has it; that is written in groups, so that durability isn't paid per step.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from specflow.attempt.evaluate import EvaluationError, evaluate
from specflow.attempt.outcomes import CANCELLED, FAIL_FAST, Outcome, reason_of, run_state
from specflow.attempt.prepare import PrepareError
from specflow.errors import SpecflowError
from specflow.history import History
from specflow.plan import Plan
from specflow.targets.local.attempts import Attempts
from specflow.targets.local.bindings import Bindings
from specflow.targets.local.builds import Build, Builds
from specflow.targets.local.cache import Cache, Made
from specflow.targets.local.environments import Environments
from specflow.targets.local.holding import Holding
from specflow.targets.local.journal import Event, Journal
from specflow.targets.local.locks import Claims
from specflow.targets.local.processes import Child, Processes
from specflow.targets.local.results import Ended, Results
from specflow.targets.local.steps import Options, Result, Step, StepResult
from specflow.targets.local.workspace import RunFolder, Workspace

if TYPE_CHECKING:
    from specflow.targets.local.crossings import Crossings

__all__ = ["Engine"]

RUN_TIMEOUT = "the pipeline's timeout ran out"
TRACKING_S = 30.0
"""How long a run that has ended waits for its metrics to be logged."""


class Engine:
    """One run of a plan; used once."""

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
        """Take what a run needs; events go to `tell` as they happen.

        `is_interrupted` counts the user's Ctrl-C: one ends the run in order, a second one at once.
        """
        self.plan, self.options = plan, options
        self.processes, self.is_interrupted = processes, is_interrupted
        self.folder: RunFolder = workspace.run(run_id)
        self.root = workspace.root
        self.facts = {"id": run_id, "date": f"{now:%Y-%m-%d}", "pipeline": plan.name, "target": "local"}
        self.cache = Cache(workspace.results, history)
        self.claims = Claims(workspace.locks)
        self.environments = Environments(plan, workspace.path / "environments")
        self.attempts = Attempts(plan, options, self.facts, workspace, self.folder, self.environments, processes)
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
        self.results = Results(
            plan, options, self.facts, self.bindings, self.environments, self.cache, self.claims, self.holding
        )
        self.abroad = self._abroad(inputs, history, run_id)
        self.registered: dict[str, str] = {}
        self.unreachable: SpecflowError | None = None
        self.failure = ""
        self.builds = Builds(self.environments, processes, self.folder.path, options.environ)
        self.metrics: dict[str, Any] = {}
        self.ready: list[tuple[int, str]] = []
        self.delayed: list[tuple[float, int, str]] = []
        self.running: dict[str, Step] = {}
        self.journal = Journal(run_id, history, tell, self.claims.written)
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
        """Return how the run ended."""
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
        self.hold_back(Outcome("cancelled", self.abroad.reason), Outcome("cancelled", self.abroad.not_reached))
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
            first = self.ready[0]
            step = self.steps[first[1]]
            if step.attempts == 0 and self._is_settled(step):
                if self.ready and self.ready[0] is first:  # a failure may have ended all that was ready
                    heapq.heappop(self.ready)
                continue
            if not self.environments.is_made(step.spec["environment"]):
                heapq.heappop(self.ready)
                try:
                    self.builds.wait(step)
                except OSError as failure:
                    self.close(step, Outcome("failed", reason_of(failure)))
                continue
            if step.slots > self.free or len(self.running) >= most:
                return
            heapq.heappop(self.ready)
            self._start(step)

    def _is_settled(self, step: Step) -> bool:
        """Return whether a step needs no process of ours now: it ends without running, or somebody else runs it."""
        try:
            found = self.results.settle(step)
        except OSError as failure:
            found = Ended(Outcome("failed", reason_of(failure)))
        if isinstance(found, Ended):
            self.close(step, found.outcome, found.made)
        elif found is not None and found.after_s is not None:
            heapq.heappush(self.delayed, (self.processes.now() + found.after_s, step.index, step.id))
        return found is not None

    def _start(self, step: Step) -> None:
        step.attempts += 1
        if step.attempts == 1:
            step.began, step.started_at = self.processes.now(), time.time()
        log = self.folder.log_name(step.id, step.attempts)
        self.tell("step_started", step, attempt=step.attempts, log=log)
        try:
            step.attempt = self.attempts.start(step, log)
        except (PrepareError, EvaluationError, SpecflowError) as failure:
            self._failed(step, str(failure), can_retry=False)
        except OSError as failure:
            self._failed(step, reason_of(failure))
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
        self.attempts.mask(step)
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
        attempt = step.attempt
        assert attempt is not None
        try:
            found = self.attempts.collect(step, attempt)
            if not found.problems:
                made = self.results.keep(step, found)
        except OSError as failure:
            self._failed(step, reason_of(failure))
            return
        if found.problems:
            self._failed(step, "; ".join(found.problems))
            return
        self.attempts.track(step, attempt, made.metrics)
        self.close(step, Outcome("succeeded"), made)

    def _failed(self, step: Step, reason: str, *, can_retry: bool = True) -> None:
        log = self.attempts.log(step)
        retry = step.spec["retry"]
        if can_retry and step.attempts < retry["attempts"] and self.stopping is None:
            delay = retry["delay_s"] * retry["backoff"] ** (step.attempts - 1)
            self.tell("attempt_failed", step, attempt=step.attempts, reason=reason, log=str(log), retry_in=delay)
            heapq.heappush(self.delayed, (self.processes.now() + delay, step.index, step.id))
            return
        self.close(step, Outcome("failed", reason), log=str(log), hint=self.attempts.hint(step))

    def close(self, step: Step, outcome: Outcome, made: Made | None = None, **more: Any) -> None:
        """Enter how a step ended, and let go of what waited for it."""
        step.outcome, step.made = outcome, made
        step.seconds = self.processes.now() - step.began if step.attempts else 0.0
        self.unfinished -= 1
        self.bindings.end(step.id, outcome, made.outputs if made is not None else None)
        for other in self.results.let_go(step):
            heapq.heappush(self.ready, (other.index, other.id))
        if made is not None and made.metrics:
            self.metrics[step.label] = made.metrics
        self.journal.ended(step, more)
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
        elif state == "succeeded" and self.failure:
            state, reason = "failed", self.failure
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
