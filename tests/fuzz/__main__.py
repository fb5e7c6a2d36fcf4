"""The coverage-guided fuzzer: python -m tests.fuzz [--seconds N] [--runs N] [--target NAME] [--corpus FOLDER].

It needs atheris (`uv pip install --group fuzz`), which is for some Pythons only. New inputs go into the corpus folder;
what breaks is written to `crash-…` here, and belongs, made small, into tests/fuzz/corpus and into a case.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

SLOWEST_S = 60
"""Of one trial. A file of 100 kB takes two seconds on a slow machine; a busy one may stall for twenty."""
LARGEST = 100_000
MEMORY_MB = 2048


def main(arguments: list[str]) -> None:
    """Run trials until time or number is up; libFuzzer ends the process."""
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--runs", type=int, default=-1)
    parser.add_argument("--target", default="local")
    parser.add_argument("--corpus", type=Path, help="where what it learns is kept [a folder that goes with it]")
    options = parser.parse_args(arguments)
    try:
        import atheris
    except ImportError:
        sys.exit("the fuzzer needs atheris: uv pip install --group fuzz")
    with atheris.instrument_imports(include=["specflow"]):
        import specflow.attempt.evaluate
        import specflow.spec.checks
        import specflow.targets.local.compile  # noqa: F401 - instrumented before it is imported lazily
        from tests.fuzz.trial import Bench, seeds
    folder = Path(tempfile.mkdtemp(prefix="specflow-fuzz-"))
    corpus = options.corpus or folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    begin = folder / "seeds"
    begin.mkdir()
    for number, path in enumerate(seeds()):
        shutil.copyfile(path, begin / f"{number:04}-{path.name}")
    (folder / "words").write_text("".join(f'"{word}"\n' for word in words()), encoding="ascii")
    bench = Bench(folder / "project")
    flags = [f"-max_total_time={options.seconds}", f"-runs={options.runs}", f"-dict={folder / 'words'}"]
    flags += [f"-max_len={LARGEST}", f"-timeout={SLOWEST_S}", f"-rss_limit_mb={MEMORY_MB}", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *flags, str(corpus), str(begin)], lambda data: bench.try_out(data, options.target))
    atheris.Fuzz()


def words() -> list[str]:
    """Return what bytes alone would seldom come upon: the words of the language, and the signs that it is made of."""
    from tests.conformance.coverage import language

    told = {part for word in language() for part in word.replace("=", ".").split(".") if part and part.isascii()}
    signs = {
        "${{ ",
        " }}",
        "$[[",
        "]]",
        ": ",
        "- ",
        "\\x0a  ",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "!!",
        "|\\x0a",
        "specflow: 1\\x0a",
    }
    return sorted(told | signs)


if __name__ == "__main__":
    main(sys.argv[1:])
