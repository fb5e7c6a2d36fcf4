"""What travels in a bundle and runs there: the standard library, and nothing of ours but the attempt beside it."""
