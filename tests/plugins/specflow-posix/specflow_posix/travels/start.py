"""start.py step.json [--environment=FILE] [--bind=SECRET=VARIABLE] WORD...: a step's launcher, in its environment.

The interpreter of the script, if it satisfies what the step declares; else a virtual environment, which is made once
for all runs that ask for the same. What can't be had is told to the launcher, which fails the step if it would run.
"""

import fcntl
import hashlib
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata

here = os.path.dirname(os.path.abspath(__file__))
VERSIONS = range(10, 30)


class UnableError(Exception):
    """Why a step's environment can't be had."""


def main(words: list) -> None:
    """Become the launcher of a step."""
    environment, passed = "", []
    for word in words:
        name, _, text = word.partition("=")
        if name == "--environment":
            environment = text
        elif name == "--bind":
            secret, _, variable = text.partition("=")
            passed += [f"--secret={secret}"]
            if variable in os.environ:
                os.environ[secret] = os.environ[variable]
            else:
                os.environ.pop(secret, None)
        else:
            passed.append(word)
    python = sys.executable
    try:
        python = python_of(environment) if environment else python
    except UnableError as failure:
        passed.append(f"--broken=can't install what the step needs: {failure}")
    os.execv(python, [python, os.path.join(here, "launcher", "launch.py"), *passed])


def python_of(path: str) -> str:
    """Return the interpreter of an environment."""
    with open(path, encoding="utf-8") as stream:
        needs = json.load(stream)
    wanted = needs["python"]
    is_this = wanted is None or packaging("specifiers").SpecifierSet(wanted).contains(version(), prereleases=True)
    if is_this and not needs["wheels"] and all(map(is_here, needs["dependencies"])):
        return sys.executable
    base = sys.executable if is_this else other_python(wanted)
    if not is_this and not needs["wheels"] and not needs["dependencies"]:
        return base
    content = json.dumps([needs, base], sort_keys=True).encode()
    home = os.path.join(folder_for_environments(), hashlib.sha256(content).hexdigest()[:16])
    os.makedirs(home, exist_ok=True)
    with open(os.path.join(home, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # steps that want the same at once wait for the first of them
        if not os.path.exists(os.path.join(home, "complete")):
            make(needs, base, home)
    return os.path.join(home, "made", "bin", "python")


def folder_for_environments() -> str:
    """Return where environments are kept from run to run."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "specflow-posix")


def version() -> str:
    """Return the version of this interpreter."""
    return ".".join(map(str, sys.version_info[:3]))


def packaging(name: str) -> object:
    """Return a module of `packaging`, which is rarely there, and always in pip."""
    for home in ("packaging", "pip._vendor.packaging"):
        try:
            return importlib.import_module(f"{home}.{name}")
        except ImportError:
            continue
    raise UnableError(f"{sys.executable} has neither packaging nor pip, by which requirements are read")


def is_here(line: str) -> bool:
    """Return whether this interpreter satisfies a requirement line."""
    requirements = packaging("requirements")
    try:
        wanted = requirements.Requirement(re.sub(r"\s+--hash=\S+|\s*\\$", "", line))
    except requirements.InvalidRequirement:
        return False
    if wanted.marker is not None and not wanted.marker.evaluate():
        return True
    if wanted.url or wanted.extras:
        return False
    try:
        return wanted.specifier.contains(metadata.version(wanted.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False


def other_python(wanted: str) -> str:
    """Return an interpreter on PATH whose version fits."""
    fits = packaging("specifiers").SpecifierSet(wanted)
    for minor in reversed(VERSIONS):
        path = shutil.which(f"python3.{minor}")
        if path is None:
            continue
        told = subprocess.run([path, "-c", "import platform; print(platform.python_version())"], capture_output=True)
        if told.returncode == 0 and fits.contains(told.stdout.decode().strip(), prereleases=True):
            return path
    raise UnableError(f"no Python on PATH fits {wanted}")


def make(needs: dict, base: str, home: str) -> None:
    """Make a virtual environment with what is needed; of a locked one pip resolves nothing."""
    made, listed = os.path.join(home, "made"), os.path.join(home, "requirements.txt")
    shutil.rmtree(made, ignore_errors=True)
    call([base, "-m", "venv", made])
    wheels = [os.path.join(here, wheel["path"]) for wheel in needs["wheels"]]
    groups = [needs["dependencies"], wheels] if needs["locked"] else [[*needs["dependencies"], *wheels]]
    for group in filter(None, groups):
        with open(listed, "w", encoding="utf-8") as stream:
            stream.write("".join(f"{line}\n" for line in group))
        options = ["--no-deps"] if needs["locked"] else []
        pip = [os.path.join(made, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        call([*pip, *options, "-r", listed])
    with open(os.path.join(home, "complete"), "w", encoding="utf-8"):
        pass


def call(argv: list) -> None:
    """Run a tool; raise UnableError with the last line that it said."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode:
        said = done.stdout.strip().splitlines()
        raise UnableError(said[-1] if said else f"{os.path.basename(argv[0])} failed")


if __name__ == "__main__":
    main(sys.argv[1:])
