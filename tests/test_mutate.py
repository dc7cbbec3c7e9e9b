"""The runner of mutations.toml, on a repository of one function."""

import runpy
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from weave.scan import PROVED, Open, scan

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("derivatives", "network", "checkpointing")
RUNNER: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("mutate.py")))
LIST = """
[[mlp]]
file = "mlp/code.py"
broken = "the sum"
old = "a + a"
new = "a - a"
tests = ["tests/test_code.py"]

[[mlp]]
file = "mlp/code.py"
broken = "the order"
old = "a + a"
new = "0 + a + a"
tests = ["tests/test_code.py"]
equivalent = "Zero changes nothing."

[[mlp]]
file = "mlp/code.py"
broken = "the past"
old = "a * 2"
new = "a"
tests = ["tests/test_code.py"]

[[page]]
file = "tests/test_code.py"
label = "thm:double"
broken = "the assertion, where no check is"
old = "== 4"
new = "== 5"
"""


def test_a_mistake_is_caught_or_survives_or_does_not_apply(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is imported is the copy: the package that is installed has no such module."""
    for name, text in {
        "pytest.ini": "[pytest]\n",
        "mlp/__init__.py": "",
        "mlp/code.py": "def double(a):\n    return a + a\n",
        "tests/mutations.toml": LIST,
        "tests/test_code.py": "from mlp.code import double\n\n\ndef test_it():\n    assert double(2) == 4\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    for command in ("init", "add ."):
        subprocess.run(["git", *command.split()], cwd=tmp_path, capture_output=True, check=True)
    assert RUNNER["main"]([], tmp_path) == 1  # for there is a faulty entry
    said = capsys.readouterr().out
    for line in (
        "passed   tests/test_code.py: nothing",
        "caught   mlp/code.py: the sum",
        "survived mlp/code.py: the order",
        "faulty   mlp/code.py: the past",
        "Zero changes nothing.",
        "its text stands there 0 times, not once",
        "faulty   tests/test_code.py: the assertion, where no check is",
        "no assertion in a check of thm:double fails",
        "1 of   3 caught, 1 cannot be: 50.0%",
    ):
        assert line in said, said
    assert (tmp_path / "mlp/code.py").read_text() == "def double(a):\n    return a + a\n"


@pytest.mark.parametrize("arguments", [["no such words"], ["--every", "0"]])
def test_to_try_nothing_is_a_mistake(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        RUNNER["main"](arguments)
    assert "expected N from 1 up and words of some mistake" in capsys.readouterr().err


@pytest.mark.parametrize(("caught", "well"), [(19, True), (18, False)])
def test_nineteen_of_twenty_are_enough(caught: int, well: bool) -> None:
    entry = RUNNER["Mutation"]("mlp", "mlp/code.py", "a", "b", "", ())
    found = {entry._replace(broken=str(k)): ("caught" if k < caught else "survived", "") for k in range(20)}
    alike = entry._replace(broken="alike", equivalent="It is the same.")
    assert RUNNER["told"]({**found, alike: ("survived", "")}) == well
    assert not RUNNER["told"]({**found, entry: ("faulty", "")})


def test_a_formula_on_a_page_is_falsified_for_every_result() -> None:
    """What each falsified formula turns red is for `make mutate` to see; here it is only asked for."""
    listed = {each.label for each in RUNNER["listed"](ROOT) if each.group == "page"}
    results = {}
    for part in PARTS:
        for path in sorted((ROOT / "docs" / part).glob("*.md")):
            page = scan(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
            results |= {
                token.options["label"]: f"{page.path}:{token.line}"
                for token in page.tokens
                if isinstance(token, Open) and token.kind in PROVED
            }
    assert len(results) > 90
    missing = [f"{results[label]}: {label}" for label in results if label not in listed]
    assert not missing, (
        "no formula is falsified for these results. Add to tests/mutations.toml a [[page]] with the file, "
        "the label, and what makes a sign, transpose, factor or index of its check a wrong one:\n"
        + "\n".join(missing)
    )
    unknown = sorted(listed - results.keys())
    assert not unknown, f"tests/mutations.toml falsifies results that there are not: {unknown}"


def test_the_list_is_long_and_fits_the_sources() -> None:
    """Where a text is gone the runner says so in the end; here it is told at once."""
    mistakes, root = RUNNER["listed"](RUNNER["ROOT"]), RUNNER["ROOT"]
    assert Counter(each.group for each in mistakes) >= Counter(mlp=60, weave=20)
    assert RUNNER["ENOUGH"] >= 0.95 and len({each[:4] for each in mistakes}) == len(mistakes)
    for each in mistakes:
        assert (root / each.file).read_text(encoding="utf-8").count(each.old) == 1, each
        assert each.old != each.new and each.file.startswith(("mlp/", "docs/")), each
