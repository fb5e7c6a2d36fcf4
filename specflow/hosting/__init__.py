"""Pipelines that a platform coordinates: bridges as steps of its own job, with no machine of the user's alive.

| module    | what is in it                                                                                |
|-----------|----------------------------------------------------------------------------------------------|
| `rewrite` | the pipeline as its host has it: a bridge in place of every island elsewhere                   |
| `wheel`   | specflow itself, as the wheel that travels with a bridge                                       |
| `errand`  | what a bridge has to know of its island: written when compiling, read where the bridge runs    |
| `crossing`| the bridge where it runs: submits the island's job, follows it, leaves its steps' records       |
"""
