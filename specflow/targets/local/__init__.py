"""This machine: the reference meaning of the language, and a runner to work with all day."""
