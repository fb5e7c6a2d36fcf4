"""What was worked out before and need not be again: plans by what made them, runs by what they left standing."""
