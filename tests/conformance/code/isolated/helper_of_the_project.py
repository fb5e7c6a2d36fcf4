"""A module at the project's root."""
