"""Reads secrets from a key vault into variables, and becomes the program behind `--`. Travels with steps that have any.

    python key_vault.py HF_TOKEN=my-vault/hf -- python launch.py step.json …

Standard library only. The node's managed identity gives the token, as azure-identity 1.27 asks for it inside Azure ML
(`AzureMLCredential`: MSI_ENDPOINT, MSI_SECRET, api-version 2017-09-01); the vault's REST API gives the value. A secret
that can't be read leaves its variable unset, and the launcher says so in the step's record. The vault `workspace` is
the one that every workspace of Azure ML has; its name is asked for.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

VAULTS = "https://vault.azure.net"
RESOURCES = "https://management.azure.com"
VAULT_VARIABLE = "SPECFLOW_KEY_VAULT_URL"
"""Where all vaults are instead of at their own addresses: an emulator's."""


def _answer(url: str, headers: dict[str, str]) -> dict[str, Any]:
    if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:", "http://169.254.")):
        raise ValueError(f'"{url}" is no address that a secret may come from')
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the scheme is checked above
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
        return found


def token(resource: str) -> str:
    """Return a token for key vaults, or for the workspace's own description, by the identity of the node."""
    query = {"api-version": "2017-09-01", "resource": resource}
    if os.environ.get("DEFAULT_IDENTITY_CLIENT_ID"):
        query["clientid"] = os.environ["DEFAULT_IDENTITY_CLIENT_ID"]
    url = f"{os.environ['MSI_ENDPOINT']}?{urllib.parse.urlencode(query)}"
    return str(_answer(url, {"secret": os.environ["MSI_SECRET"]})["access_token"])


def vault_url(vault: str) -> str:
    """Return the address of a vault, given by its name or as its address."""
    if VAULT_VARIABLE in os.environ:
        return f"{os.environ[VAULT_VARIABLE]}/{vault.removeprefix('https://').partition('.')[0]}"
    if vault == "workspace":
        vault = _vault_of_the_workspace()
    return vault.rstrip("/") if "://" in vault else f"https://{vault}.vault.azure.net"


def _vault_of_the_workspace() -> str:
    names = ("AZUREML_ARM_SUBSCRIPTION", "AZUREML_ARM_RESOURCEGROUP", "AZUREML_ARM_WORKSPACE_NAME")
    subscription, group, name = (urllib.parse.quote(os.environ[each], safe="") for each in names)
    path = f"/subscriptions/{subscription}/resourceGroups/{group}"
    url = f"{RESOURCES}{path}/providers/Microsoft.MachineLearningServices/workspaces/{name}?api-version=2024-10-01"
    properties = _answer(url, {"Authorization": f"Bearer {token(RESOURCES)}"})["properties"]
    return str(properties["keyVault"]).rpartition("/")[2]


def read(items: list[str]) -> None:
    """Set a variable for each secret that can be read; `items` are `NAME=<vault>/<secret>`."""
    for item in items:
        variable, _, place = item.partition("=")
        vault, _, name = place.rpartition("/")
        os.environ.pop(variable, None)
        try:
            url = f"{vault_url(vault)}/secrets/{urllib.parse.quote(name, safe='')}?api-version=7.4"
            os.environ[variable] = _answer(url, {"Authorization": f"Bearer {token(VAULTS)}"})["value"]
        except KeyError as missing:
            print(f"specflow: no secret {variable}: {missing} is not here; give the compute a managed identity")  # noqa: T201
        except (OSError, ValueError) as failure:
            print(f"specflow: no secret {variable} from {vault}: {failure}")  # noqa: T201


def main(argv: list[str]) -> None:
    """Set the variables, then become the program behind `--`."""
    end = argv.index("--")
    read(argv[:end])
    sys.stdout.flush()
    os.execvp(argv[end + 1], argv[end + 1 :])  # noqa: S606 - the launcher, in this process's place


if __name__ == "__main__":
    main(sys.argv[1:])
