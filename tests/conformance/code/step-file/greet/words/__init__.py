"""A package beside the script."""


def greeting() -> str:
    """Return a greeting."""
    return "hello"
