"""What runs inside a task's process. The standard library and nothing else, specflow's own modules not excepted."""
