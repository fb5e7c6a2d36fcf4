"""specflow and what users would pick instead, on the same work: `python -m benchmarks`, or `./dev bench`.

workloads.py   the graphs, and what each step's output must hold
tools.py       each tool: its files for a workload, its command, where its outputs lie
measure.py     a command run once: seconds, CPU, peak memory
rounds.py      all tools in turn, round after round, each in a folder of its own; nothing is deleted
starting.py    `--help` beside `python -c pass`, `validate` beside PyYAML, compiling beside the SDK's load
profiling.py   where a run of specflow spends its time
tables.py      medians and ratios, as a table and as JSON
peers.txt      what is installed beside it, into an environment of its own
"""
