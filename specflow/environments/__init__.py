"""What steps need installed: pinned once for a project (`specflow.lock`), and the tools that resolve it."""
