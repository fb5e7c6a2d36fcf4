"""A loopback Databricks workspace for the vendor's own clients, which runs what it accepted as processes here.

It is the platform's side, written from the vendor's documentation and packages, never from our compiler. By idea:

| module        | holds                                                                                     |
|---------------|-------------------------------------------------------------------------------------------|
| `server`      | the emulator: a workspace and its server; `wire_jobs`, `wire_files`, `wire_other`: HTTP   |
| `service`     | the workspace: runs, and what each call means; `saved`: jobs, `secrets`                   |
| `files`       | the two trees of files, kept as folders under the root; `objects`: notebooks or files     |
| `messages`    | which fields each message may have, and of which type (`fields.json`, from databricks-sdk) |
| `jobs`        | what a job must be beyond its messages' shape: its graph, its compute, its limits          |
| `references`  | `{{job.run_id}}` and its like; `lookups`: what each stands for                            |
| `outcomes`    | run_if, condition operators, what a run makes of its tasks; `selection`: which to run     |
| `runs`        | a run, its tasks and their attempts, as data; `views`: how the API shows them             |
| `engine`      | runs tasks: order, retries, timeouts, cancel, for-each, sub-jobs                          |
| `processes`   | a task as a process of this machine; `child/` is what runs inside of it                   |
| `assumptions` | what is not documented, a switch each                                                     |
"""
