"""What all emulators share: a loopback HTTP server with a token, faults, a clock, child processes and a state file.

An emulator is the platform's side of the wire. It gives a server its routes and the shape of its errors:

    routes = Routes()

    @routes.on("GET", "/api/2.2/jobs/get")              # {name} is one segment, {name...} all that follow
    def get_job(request: Request) -> Response:
        if request.query.get("job_id") != "1":
            raise Refusal(404, "Job does not exist.", code="RESOURCE_DOES_NOT_EXIST")
        return as_json({"job_id": 1})

    def shape(refusal: Refusal) -> Response:            # the vendor's error body, also for the server's own refusals
        return as_json({"error_code": refusal.code, "message": refusal.message}, refusal.status)

    with Server(routes, shape, root=root, faults=[Fault("throttle", every=5)]) as server:
        server.url, server.token, server.token_file, server.faults, server.log

| module      | holds                                                                                              |
|-------------|----------------------------------------------------------------------------------------------------|
| `messages`  | `Request`, `Response`, `as_json`, `Refusal`: what handlers take, return and raise                  |
| `routes`    | `Routes`: method and path pattern to handler; `is_open=True` for what checks its own signature     |
| `server`    | `Server`: bind, token, Host check, faults, request log, stop                                       |
| `faults`    | `Fault`, `Faults`: latency, 429, 500, 503, 401, resets; every n-th or a seeded share; by path      |
| `clock`     | `Clock`: the time, timers, and `advance` for tests that would otherwise wait                       |
| `children`  | `Children`: processes in sessions of their own, so many at once, ended with all they forked        |
| `hold`      | `Hold`: one emulator per root; where one answers that was started to stay                          |
| `standing`  | `serve`, `Standing`: an emulator of one process as the stand-in for another's platform             |
| `state`     | `State`: JSON documents by table and key in one SQLite file, for being started again               |

A refusal by the server itself has one of these codes, which `shape` turns into the vendor's: `bad-request`,
`unauthenticated`, `wrong-host`, `not-found`, `method-not-allowed`, `too-large`, `throttled`, `unavailable`, `internal`.

Control routes, behind the token like everything else: GET, PUT (a list of faults as JSON) and DELETE
`/_emulator/faults`, GET `/_emulator/requests`. Faults never touch what is under `/_emulator/`, and an emulator may add
routes of its own there.
"""

from specflow.emulation.children import Child, Children, Ended
from specflow.emulation.clock import Clock, Timer
from specflow.emulation.faults import Fault, Faults
from specflow.emulation.hold import HeldError, is_held
from specflow.emulation.messages import Refusal, Request, Response, as_json
from specflow.emulation.routes import Handler, Routes
from specflow.emulation.server import Server
from specflow.emulation.standing import Standing, offer, serve, standing
from specflow.emulation.state import State

__all__ = [
    "Child",
    "Children",
    "Clock",
    "Ended",
    "Fault",
    "Faults",
    "Handler",
    "HeldError",
    "Refusal",
    "Request",
    "Response",
    "Routes",
    "Server",
    "Standing",
    "State",
    "Timer",
    "as_json",
    "is_held",
    "offer",
    "serve",
    "standing",
]
