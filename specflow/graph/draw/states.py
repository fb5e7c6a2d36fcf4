"""How the states of steps are shown: a sign, never colour alone; and one state for several steps drawn as one box."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

__all__ = ["SIGNS", "sign_of", "state_of", "tally"]

SIGNS: Mapping[str, str] = {
    "failed": "✗",
    "cancelled": "■",
    "running": "▶",
    "skipped": "»",
    "succeeded": "✓",
    "cached": "≡",
}
"""A state's sign, the state that matters most first; a step without a state has not started."""


def state_of(nodes: Iterable[str], states: Mapping[str, str]) -> str:
    """Return the state that matters most among some nodes; "" where none has started.

    Several of which some have not started, and none ended badly, are running.
    """
    each = [states.get(node, "") for node in nodes]
    found = next((state for state in SIGNS if state in each), "")
    return "running" if found in ("skipped", "succeeded", "cached") and "" in each else found


def tally(nodes: Iterable[str], states: Mapping[str, str]) -> str:
    """Return how many of some nodes are in each state: `1 failed, 2 not started`; "" where none has started."""
    counts = Counter(states.get(node, "") for node in nodes)
    told = [f"{counts[state]:,} {state}" for state in SIGNS if counts[state]]
    return ", ".join([*told, *([f"{counts['']:,} not started"] if counts[""] else [])]) if told else ""


def sign_of(state: str) -> str:
    """Return a state's sign and a space, ready to stand before a name; nothing for no state."""
    return f"{SIGNS[state]} " if state else ""
