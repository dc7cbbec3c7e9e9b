"""Labels that were released: docs/labels.txt, which only grows, since others have written down what it lists.

A line is a label. If another one has taken its place, that stands beside it, `thm:old thm:new`, and the old
address leads there. `make record` appends the labels that are new. Listings are not in it: their names are
those of the code.
"""

from collections.abc import Collection, Iterator
from pathlib import Path

from weave.errors import WeaveError

PATH = Path("docs") / "labels.txt"


def released(root: Path) -> dict[str, str]:
    """Each released label with the one that has taken its place, or with itself."""
    path = root / PATH
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {line.split()[0]: line.split()[-1] for line in lines}


def lost(root: Path, known: Collection[str]) -> Iterator[WeaveError]:
    """The released labels that lead nowhere."""
    for line, (old, new) in enumerate(released(root).items(), 1):
        if new not in known:
            problem = f"label {new!r} was released, and no page has it"
            remedy = f"Restore it, or name beside it the label that takes its place: '{old} thm:...'"
            yield WeaveError(PATH.as_posix(), line, problem, remedy)


def keep(root: Path, known: Collection[str]) -> None:
    """Append the labels that are new."""
    new = [label for label in known if label not in released(root) and not label.startswith("lst:")]
    with (root / PATH).open("a", encoding="utf-8") as file:
        file.writelines(f"{label}\n" for label in new)


if __name__ == "__main__":
    from weave.book import ROOT, current

    keep(ROOT, current().labels)
