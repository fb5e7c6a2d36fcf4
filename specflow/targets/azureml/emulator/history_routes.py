"""Routes of the run history and of the data plane that tells where outputs lie."""

from __future__ import annotations

from specflow.emulation import Request, Response, as_json
from specflow.targets.azureml.emulator.arm import Arm, page
from specflow.targets.azureml.emulator.history import details_document, run_data, run_document
from specflow.targets.azureml.emulator.runs import Run

__all__ = ["HistoryRoutes"]


class HistoryRoutes:
    """States, logs, children and outputs of runs."""

    def __init__(self, arm: Arm) -> None:
        """Add the routes."""
        self.arm = arm
        space = f"/history/v1.0{self.arm.service.workspace.id}"
        for prefix in (space, f"{space}/experiments/{{experiment}}", f"{space}/experimentids/{{experiment}}"):
            self.arm.routes.add(
                "GET", f"{prefix}/runs/{{name}}", lambda request: as_json(run_document(self._run(request)))
            )
            self.arm.routes.add("PATCH", f"{prefix}/runs/{{name}}", self._patch_run)
            self.arm.routes.add("GET", f"{prefix}/runs/{{name}}/details", self._details)
            self.arm.routes.add("GET", f"{prefix}/runs/{{name}}/children", self._children)
        self.arm.routes.add("POST", f"{space}/rundata", self._run_data)
        data = f"/data/v1.0{self.arm.service.workspace.id}/dataversion/batchGetResolvedUris"
        self.arm.routes.add("POST", data, self._resolved)

    def _get_run(self, request: Request) -> Response:
        return as_json(run_document(self._run(request)))

    def _run(self, request: Request) -> Run:
        return self.arm.service.runs.get(request.params["name"])

    def _patch_run(self, request: Request) -> Response:
        return as_json(run_document(self.arm.service.patch_run(request.params["name"], request.json())))

    def _details(self, request: Request) -> Response:
        run = self._run(request)
        self.arm.service.pipeline_log(run)
        return as_json(details_document(self._run(request), self.arm.service.storage, self.arm.base))

    def _children(self, request: Request) -> Response:
        found = self.arm.service.runs.children(self._run(request).id)
        if not self.arm.service.assumed.children_appear_before_they_start:
            found = [each for each in found if each.started or each.ended]
        return page([run_document(each) for each in found])

    def _run_data(self, request: Request) -> Response:
        return as_json(run_data(self.arm.service.runs.get(str(request.json().get("runId", "")))))

    def _resolved(self, request: Request) -> Response:
        """Answer which addresses a run's outputs have, by the asset ids that its run data names."""
        values = {}
        for each in request.json().get("values") or []:
            _, _, rest = str(each).partition("azureml://runs/")
            run, _, output = rest.partition("/outputs/")
            found = self.arm.service.runs.get(run).outputs.get(output)
            if found:
                values[each] = {"uri": found["uri"], "type": found["type"]}
        return as_json({"values": values})
