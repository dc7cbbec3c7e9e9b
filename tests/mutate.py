"""Does a test see it? The mistakes of mutations.toml, planted one at a time in copies of the repository.

`python tests/mutate.py [--every N] [words]` tries all, every N-th, or those in whose group, file, label or
description the words stand; `page:` means that group. A copy has the tracked files only, and comes first on
the path. That it is what the tests import, the outcome says: otherwise every mistake would survive. Each has
a copy of its own, so none is left behind.
"""

import argparse
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
INSTALLED = (".venv", "docs/weave/node_modules", "docs/assets/vendor")
ENOUGH = 0.95  # of the mistakes of each group that can be seen at all
SECONDS = 300  # a mistake may make a loop endless


class Mutation(NamedTuple):
    """A mistake: in `file`, the text `old`, which stands there once, becomes `new`.

    group : the table in which it is listed; "" for the tests of a file with no mistake planted.
    broken : what is broken, in a few words.
    tests : what ought to see it, for pytest; the file itself if the list does not say.
    equivalent : why nothing can see it, if so.
    label : the result that is falsified, if `file` is a page: a check of it must go red.
    """

    group: str
    file: str
    old: str
    new: str
    broken: str
    tests: tuple[str, ...]
    equivalent: str = ""
    label: str = ""


def listed(root: Path) -> list[Mutation]:
    """Every mistake, in the order of the list."""
    tables = tomllib.loads((root / "tests" / "mutations.toml").read_text(encoding="utf-8"))
    return [
        Mutation(group, **{**entry, "tests": tuple(entry.get("tests", [entry["file"]]))})
        for group, entries in tables.items()
        for entry in entries
    ]


def unchanged(entries: Sequence[Mutation]) -> list[Mutation]:
    """No mistake at all, for each file of tests that the entries name: these must pass."""
    tests = sorted({test for each in entries for test in each.tests})
    files = {test.partition("::")[0]: [] for test in tests}
    for test in tests:
        files[test.partition("::")[0]].append(test)
    return [Mutation("", file, "", "", "nothing", tuple(named)) for file, named in files.items()]


@contextmanager
def copied(root: Path) -> Iterator[Path]:
    """The tracked files, and links to what is installed, in a folder that goes again."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True)
    with TemporaryDirectory(prefix="mutate-") as name:
        for file in tracked.stdout.rstrip("\0").split("\0"):
            copy = Path(name, file)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes((root / file).read_bytes())
        for folder in INSTALLED:
            if (root / folder).exists():
                Path(name, folder).symlink_to((root / folder).resolve())
        yield Path(name)


def outcome(root: Path, mutation: Mutation) -> tuple[str, str]:
    """What becomes of a mistake, "caught", "survived" or "faulty", or "passed" without one; and why."""
    with copied(root) as folder:
        if mutation.group:
            path = folder / mutation.file
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
            if text.count(mutation.old) != 1:
                return "faulty", f"its text stands there {text.count(mutation.old)} times, not once"
            path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
        status, said = tested(folder, mutation.tests)
        if status == 1 and mutation.label and not red(folder, mutation.label, said):
            return "faulty", f"no assertion in a check of {mutation.label} fails\n{said}"
    known = {0: "survived", 1: "caught"} if mutation.group else {0: "passed"}
    return known.get(status, "faulty"), said


def tested(folder: Path, tests: Sequence[str]) -> tuple[int, str]:
    """What pytest returns and says of the tests of a copy: 0 if all pass, 1 if one fails."""
    path = os.pathsep.join([str(folder), str(folder / "docs")])
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 1, f"not at its end after {SECONDS} seconds"
    return ran.returncode, ran.stdout[-2000:] + ran.stderr[-2000:]


def red(folder: Path, label: str, said: str) -> bool:
    """Whether the block that failed is a check of this result, and failed by an assertion."""
    failed = re.search(r"^FAILED (\S+)::line:(\d+),", said, re.MULTILINE)
    lines = (folder / failed[1]).read_text(encoding="utf-8").splitlines() if failed else []
    return bool(failed and f"check={label}" in lines[int(failed[2]) - 1].split() and "AssertionError" in said)


def told(found: dict[Mutation, tuple[str, str]]) -> bool:
    """Print what is not as it should be, a table, and the rates; whether all is well."""
    for each, (what, said) in found.items():
        if what == "faulty":
            print(f"\nfaulty: {each.file}: {each.broken}\n{said}")
        elif what == "survived":
            print(
                f"\nsurvived: {each.file}: {each.broken}\n{each.equivalent or 'Write a test that sees it.'}"
            )
    well = all(what != "faulty" for what, _ in found.values())
    for group in sorted({each.group for each in found} - {""}):
        entries = [each for each in found if each.group == group]
        print()
        for file in sorted({each.file for each in entries}):
            of_file = [found[each][0] for each in entries if each.file == file]
            print(f"{file:38} {of_file.count('caught'):3} of {len(of_file):3} caught")
        caught = sum(found[each][0] == "caught" for each in entries)
        alike = sum(found[each][0] == "survived" and bool(each.equivalent) for each in entries)
        print(f"{group:38} {caught:3} of {len(entries):3} caught, {alike} cannot be: ", end="")
        print(f"{caught / max(1, len(entries) - alike):.1%}")
        well = well and caught >= ENOUGH * (len(entries) - alike)
    return well


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Try the mistakes; 0 if the tests pass without them, every entry is sound, and enough are caught."""
    reader = argparse.ArgumentParser(description="Plant the mistakes of mutations.toml, one at a time.")
    reader.add_argument("--every", type=int, default=1, metavar="N", help="every N-th of them only")
    reader.add_argument("words", nargs="*", help="only those with these in group, file, label or description")
    given = reader.parse_args(arguments)
    meant = [
        each
        for each in listed(root)
        if all(word in f"{each.group}: {each.file} {each.label} {each.broken}" for word in given.words)
    ]
    if given.every < 1 or not meant:
        reader.error(f"expected N from 1 up and words of some mistake, got {given.every} and {given.words}")
    entries = meant[:: given.every]
    found: dict[Mutation, tuple[str, str]] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {pool.submit(outcome, root, each): each for each in [*unchanged(entries), *entries]}
        try:
            for job in as_completed(jobs):
                each = jobs[job]
                found[each] = job.result()
                count = f"[{len(found):3}/{len(jobs)}]"
                print(f"{count} {found[each][0]:8} {each.file}: {each.broken}", flush=True)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            print(f"stopped; {len(found)} of {len(jobs)} are tried")
            return 130
    return 0 if told(found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
