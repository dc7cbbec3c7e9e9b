"""Every Python block of the pages, of README.md and of the docstrings is a test, collected by Sybil."""

from pathlib import Path

import pytest
from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers.rest import DocTestParser
from sybil.sybil import SybilCollection

from weave.examples import FLAGS, Parser, Recorder

ROOT = Path(__file__).parent
RECORDER = Recorder(ROOT)

SYBILS = [
    Sybil(
        path=str(ROOT / "docs"),
        patterns=["*.md"],
        excludes=["weave/**", "theme/**"],
        parsers=[Parser(ROOT, RECORDER.saw)],
    ),
    Sybil(path=str(ROOT), filenames=["README.md", "CONTRIBUTING.md"], parsers=[Parser(ROOT, RECORDER.saw)]),
    Sybil(
        path=str(ROOT / "mlp"),
        patterns=["*.py"],
        parsers=[DocTestParser(FLAGS)],
        document_types={".py": PythonDocStringDocument},
    ),
]
pytest_collect_file = SybilCollection(SYBILS).pytest()


@pytest.fixture(scope="session")
def sybils() -> list[Sybil]:
    """What collects the blocks, for the gate that asks whether it collects them all."""
    return SYBILS


@pytest.fixture(scope="session")
def recorder() -> Recorder:
    """What this run has seen so far; it becomes the record when the run ends."""
    return RECORDER


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the record say what was seen."""
    RECORDER.save()
