"""The book outlives its tools: other builders make the same equations, statements and listings of it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import building
from weave.book import ROOT, current

pytestmark = pytest.mark.slow
QUIET = {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}


def built(command: list[str]) -> None:
    """Run a builder of the virtual environment; it must end well."""
    program = [sys.executable, "-m", *command]
    with building():
        ran = subprocess.run(
            program, cwd=ROOT, env=os.environ | QUIET, capture_output=True, text=True, check=False
        )
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[-4000:]


def contents(page: Path) -> list[str]:
    """The ids of all that is numbered or listed on a page, and its typeset formulas, in order."""
    text = page.read_text(encoding="utf-8")
    article = text[text.index("<article") : text.rindex("</article>")]
    return re.findall(
        r'id="((?:eq|thm|lem|prp|cor|def|rem|ex|fig|wrong|lst):[^"]+)"|class="(katex)"', article
    )


def same(site: Path, other: Path, addresses: list[str]) -> None:
    """Both sites have the same contents on these pages, and some."""
    assert addresses
    for address in addresses:
        name = address.replace(".md", ".html")
        found = contents(site / name)
        assert found == contents(other / name), address


def test_properdocs_builds_the_same_book(site: Path, tmp_path: Path) -> None:
    built(["properdocs", "build", "--site-dir", str(tmp_path)])
    same(site, tmp_path, list(current().pages))


def test_zensical_builds_the_same_chapters(site: Path, tmp_path: Path) -> None:
    """It has neither hooks nor labs: what is executed for a lab is not there, all else is."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("weave"))
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    built(["zensical", "build", "-f", str(tmp_path / "mkdocs.yml")])
    chapters = [address for address in current().pages if not address.startswith("evidence/")]
    same(site, tmp_path / "site", chapters)
