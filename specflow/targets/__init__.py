"""The platforms that run steps: one folder each, found by entry point. Targets do not know each other."""
