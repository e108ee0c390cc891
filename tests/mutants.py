"""Mutants: small errors put into the numerical code on purpose, which a test must find.

Not a test itself, and slow on purpose: `python -m tests.mutants` works on a copy of a
checkout, changes one formula at a time (a sign, a factor, an off-by-one, a dropped
term, a dtype, a comparison) and runs the few tests that should fail. A mutant that
lives is a formula that no test checks.

A mutant is found by its snippet anywhere in ``cgm_jax``, not by a file or a line, so
that it survives moved files. A snippet that occurs nowhere or more than once is
reported as "not found": give the new wording, beside the old one if both matter.
"""

import argparse
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import NoReturn

import pytest

COPIED = ("cgm_jax", "tests", "benchmarks", "README.md", "pyproject.toml")
SECONDS = 180  # a mutant may loop for ever: that is noticed, too
OPTIONS = ["-x", "-q", "--no-header", "--tb=line", "-p", "no:cacheprovider"]
OPTIONS += ["-m", "not long"]
# Every run is forked off a server that has imported what takes long, and no more.
CONTEXT = multiprocessing.get_context("forkserver")
PRELOADED = ["cvxpy", "flax.nnx", "jax", "optax", "pytest", "scipy.stats"]


@dataclass(frozen=True)
class Mutant:
    """One change of one formula, and the tests that should notice."""

    name: str
    changes: tuple[tuple[str, str], ...]
    """Pairs of a snippet and what replaces it: one for every wording of the code."""

    tests: str
    """Test files, or tests of them, as pytest takes them; without the folder."""

    @property
    def selection(self) -> list[str]:
        """The same as paths from the root."""
        return [f"tests/{test}" for test in self.tests.split()]


def _parsed(table: str) -> Iterator[Mutant]:
    """Blocks of lines: ``# name``, ``- old``, ``+ new``, ``> tests``."""
    for block in re.split(r"\n\s*\n", table.strip()):
        name, *changes, tests = block.split("\n")
        pairs = [changes[i : i + 2] for i in range(0, len(changes), 2)]
        assert name[:2] == "# " and tests[:2] == "> ", block
        assert all(old[:2] == "- " and new[:2] == "+ " for old, new in pairs), block
        yield Mutant(
            name[2:], tuple((old[2:], new[2:]) for old, new in pairs), tests[2:]
        )


MUTANTS = list(_parsed((Path(__file__).parent / "mutants.txt").read_text("utf-8")))


def file_and_change(
    sources: dict[Path, str], mutant: Mutant
) -> tuple[Path, str, str] | None:
    """Where a mutant's snippet occurs exactly once, and the change; or None."""
    for old, new in mutant.changes:
        hits = [path for path, text in sources.items() if old in text]
        if len(hits) == 1 and sources[hits[0]].count(old) == 1:
            return hits[0], old, new
    return None


def has_tests(root: Path, mutant: Mutant) -> bool:
    """Whether all of its test files and tests are there."""
    for selected in mutant.selection:
        path, _, name = selected.partition("::")
        if not (root / path).exists():
            return False
        if name and f"def {name}(" not in (root / path).read_text("utf-8"):
            return False
    return True


def run_tests(root: Path, selection: list[str]) -> tuple[int, str]:
    """Pytest's exit code in a copy (1: a test failed) and what failed first."""
    said = root / "said.txt"
    process = CONTEXT.Process(target=_pytest, args=(root, selection, said))
    process.start()
    process.join(SECONDS)
    if process.is_alive():
        process.kill()
        process.join()
        return 1, f"not finished after {SECONDS} s"
    lines = said.read_text("utf-8").splitlines()
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    return process.exitcode or 0, (failed or lines[-1:] or [""])[0]


def _pytest(root: Path, selection: list[str], said: Path) -> NoReturn:
    """In a process of its own, which has imported no part of the package yet."""
    os.chdir(root)
    os.environ["PYTHONPATH"] = str(root)
    # No compiled files: two versions of a file in one second would look the same.
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(root))
    with said.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        os._exit(pytest.main([*OPTIONS, *selection]))


def outcome_of(root: Path, mutant: Mutant) -> tuple[str, str]:
    """What became of a mutant in a copy, which is left as it was."""
    sources = {path: path.read_text("utf-8") for path in root.glob("cgm_jax/**/*.py")}
    place = file_and_change(sources, mutant)
    if place is None:
        return "not found", "its snippet occurs nowhere or more than once"
    path, old, new = place
    try:
        path.write_text(sources[path].replace(old, new), "utf-8")
        code, said = run_tests(root, mutant.selection)
    finally:
        path.write_text(sources[path], "utf-8")
    # 2: the mutant cannot be imported; 4 and 5: the tests are not there.
    known = {0: "LIVED", 1: "killed"}
    return known.get(code, "no tests"), f"{path.relative_to(root)}: {said}"


def main() -> int:
    """Run the mutants; 1 if one lived or could not be tried."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="mutants whose name contains this")
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="find, but run nothing")
    parser.add_argument(
        "--check", action="store_true", help="first see that all the tests pass"
    )
    options = parser.parse_args()
    CONTEXT.set_forkserver_preload(PRELOADED)
    chosen = [mutant for mutant in MUTANTS if (options.only or "") in mutant.name]
    if options.list:
        sources = {
            path: path.read_text("utf-8")
            for path in options.root.glob("cgm_jax/**/*.py")
        }
        lost = [m.name for m in chosen if file_and_change(sources, m) is None]
        without = [m.name for m in chosen if not has_tests(options.root, m)]
        print(*(f"not found  {name}" for name in lost), sep="\n")
        print(*(f"no tests   {name}" for name in without), sep="\n")
        print(f"{len(chosen) - len({*lost, *without})} of {len(chosen)} can be tried")
        return int(bool(lost or without))

    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(options.jobs):
            copies.put(_copy(options.root, Path(folder, str(number))))
        if options.check:
            root = copies.get()
            tests = sorted({test for mutant in chosen for test in mutant.selection})
            code, said = run_tests(root, tests)
            copies.put(root)
            if code:
                print(f"Without a mutant: {said}")
                return 1

        def tried(mutant: Mutant) -> str:
            root = copies.get()
            start = time.monotonic()
            try:
                outcome, said = outcome_of(root, mutant)
            finally:
                copies.put(root)
            seconds = time.monotonic() - start
            print(f"{outcome:9} {seconds:5.1f} s  {mutant.name}", flush=True)
            if outcome != "killed":
                print(f"{'':20}{said}", flush=True)
            return outcome

        with ThreadPoolExecutor(options.jobs) as executor:
            outcomes = list(executor.map(tried, chosen))
    for outcome in ("killed", "LIVED", "not found", "no tests"):
        print(f"{outcomes.count(outcome)} {outcome}")
    return int(set(outcomes) != {"killed"})


def _copy(root: Path, target: Path) -> Path:
    target.mkdir()
    for name in COPIED:
        if (root / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(root / name, target / name, ignore=ignored)
        else:
            shutil.copy(root / name, target / name)
    return target


if __name__ == "__main__":
    raise SystemExit(main())
