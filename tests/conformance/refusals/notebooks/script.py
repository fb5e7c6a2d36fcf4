"""A script, not a notebook."""
