"""The graph: pipelines inlined, matrices expanded, references resolved, steps placed; and what becomes of its steps."""
