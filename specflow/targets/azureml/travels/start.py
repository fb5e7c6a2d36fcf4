"""Starts a step's launcher in a Spark driver of Azure ML, which runs a Python file and not a command line.

    start.py [key_vault.py HF_TOKEN=my-vault/hf --] step.json --target azureml …

What bash would do for a command is done here: the job's name is read from the environment, secrets from their vaults.
"""

import importlib
import os
import sys


def start(arguments: list[str]) -> int:
    """Return the exit code of the launcher."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:0] = [here, os.path.join(here, "launcher.zip")]
    if arguments[0] == "key_vault.py":
        end = arguments.index("--")
        importlib.import_module("key_vault").read(arguments[1:end])
        arguments = arguments[end + 1 :]
    launch = importlib.import_module("specflow.attempt.launch")
    run = os.environ.get("AZUREML_ROOT_RUN_ID") or os.environ.get("AZUREML_RUN_ID") or ""
    return int(launch.main([*arguments, "--run", run], folder=here))


if __name__ == "__main__":
    code = start(sys.argv[1:])
    if code:
        sys.exit(code)
