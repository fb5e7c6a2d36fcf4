"""What a user of the real SDK types to reach the emulator; `specflow emulate azureml` prints it, tests run it."""

from __future__ import annotations

from pathlib import Path as FilePath

from specflow.targets.azureml.emulator.names import Workspace

__all__ = ["client_lines"]

_LINES = """\
import os, time
from pathlib import Path

os.environ["AZUREML_DEV_URL_MFE"] = {url!r}  # read when MLClient is made

import jwt  # PyJWT, which azure-ai-ml brings
from azure.ai.ml import MLClient
from azure.core.credentials import AccessToken
from azure.core.pipeline.policies import SansIOHTTPPolicy

token = Path({token_file!r}).read_text().strip()


class Bearer(SansIOHTTPPolicy):  # stands in for the bearer policy, which insists on https
    def on_request(self, request):
        request.context.options.pop("enforce_https", None)
        request.http_request.headers["Authorization"] = "Bearer " + token


class Credential:  # the SDK reads this token's audience, and calls batch endpoints with it
    def get_token(self, *scopes, **_):
        expires = int(time.time()) + 3600
        claims = {{"aud": scopes[0].rsplit("/.default", 1)[0], "exp": expires, "tid": "t", "oid": "o"}}
        return AccessToken(jwt.encode(claims, token, algorithm="HS256"), expires)


client = MLClient(
    Credential(),
    {subscription!r},
    {group!r},
    {name!r},
    authentication_policy=Bearer(),
    enable_telemetry=False,
    show_progress=False,
)
# Uploads of local data and jobs.download() build https://{{account}}.blob.{{suffix}} by themselves; this turns them to
# the emulator. Everything else, code uploads included, needs nothing more.
from azure.ai.ml.constants._common import STORAGE_ACCOUNT_URLS

STORAGE_ACCOUNT_URLS["AzureBlob"] = {url!r} + "/blobs"
"""


def client_lines(url: str, token_file: FilePath, workspace: Workspace) -> str:
    """Return Python lines that end with a `client`: an MLClient of azure-ai-ml 1.35.2 on the emulator.

    `authentication_policy` and AZUREML_DEV_URL_MFE are read in that version's `MLClient.__init__`.
    """
    return _LINES.format(
        url=url,
        token_file=str(token_file),
        subscription=workspace.subscription,
        group=workspace.group,
        name=workspace.name,
    )
