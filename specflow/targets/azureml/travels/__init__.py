"""What travels with a Spark step and runs in its driver: the standard library, and nothing of ours but the attempt."""
