"""`python -m specflow` is the command line."""

from specflow.cli import main

main()
