"""The attempt: one try at a step, standard library only; it also travels to the clouds as the launcher."""
