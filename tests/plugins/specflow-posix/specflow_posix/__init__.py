"""A target of specflow's in a package of its own: a pipeline as a POSIX shell script, which runs without specflow."""
