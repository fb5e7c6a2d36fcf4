"""Secrets of a local run: environment variables, and only those that the user has allowed outside the repository.

A checked-out project decides which secrets its steps name; whether this machine hands them over is the user's word:
`--allow-secret NAME`, SPECFLOW_ALLOW_SECRETS (names, with commas), or `secrets: [NAME]` under `allow:` in
~/.config/specflow/config.yaml.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from specflow.allowance import allowed
from specflow.diagnostics import Diagnostic, Span, error
from specflow.plan import Plan

__all__ = ["allowed_names", "gather", "secrets_needed"]


def allowed_names(flags: Iterable[str], environ: Mapping[str, str]) -> frozenset[str]:
    """Return the environment variables that may be handed to steps as secrets."""
    return allowed("secrets", environ, flags)


def gather(
    needed: Mapping[str, Mapping[str, str]], names: frozenset[str], environ: Mapping[str, str]
) -> tuple[dict[str, str], tuple[Diagnostic, ...]]:
    """Return the value of each secret, and why those that can't be had can't be.

    `needed` says for each secret which variable holds it: `{"HF_TOKEN": {"env": "HF_TOKEN"}}`.
    """
    values: dict[str, str] = {}
    found: list[Diagnostic] = []
    for name, binding in needed.items():
        variable = binding.get("env")
        place = Span("secrets")
        if variable is None:
            keys = ", ".join(sorted(binding))
            message = f'the secret "{name}" is bound for local by {keys}, and this machine reads `env` only'
            found.append(error("secret-unavailable", message, place, "write local: {env: NAME} in the profile"))
        elif variable not in names:
            message = f'a step wants the secret "{name}" from the variable {variable}, and you have not allowed that'
            help_ = f"add --allow-secret {variable}, or put it into SPECFLOW_ALLOW_SECRETS"
            found.append(error("secret-not-allowed", message, place, help_))
        elif variable not in environ:
            message = f'the secret "{name}" is not there: the variable {variable} is not set'
            found.append(error("secret-unavailable", message, place, f"export {variable}=…"))
        else:
            values[name] = environ[variable]
    return values, tuple(found)


def secrets_needed(plan: Plan, *, emulates: bool) -> dict[str, Mapping[str, str]]:
    """Return where the secrets are that have to be here: of steps that run on this machine.

    What other platforms keep is theirs to find. Their emulators keep nothing: with `emulates` it comes from here too.
    """
    steps = (step for step in plan.document["steps"] if step["island"] is None or _is_emulated(plan, step, emulates))
    names = {name for step in steps for name in step["attempt"]["secrets"]}
    return {name: where for name, where in plan.document["secrets"].items() if name in names}


def _is_emulated(plan: Plan, step: Mapping[str, Any], emulates: bool) -> bool:
    settings = next(isle["settings"] for isle in plan.document["islands"] if isle["name"] == step["island"])
    return emulates or bool(settings.get("emulate"))
