"""The built site, once per run for each way of reading it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def built(folder: Path, **options: str) -> Path:
    """The site, built strictly into a folder of its own; a warning fails every test of the site."""
    quiet = {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}
    run = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | quiet | options,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0 and "WARNING" not in run.stderr, run.stderr[-4000:]
    return folder


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as it is hosted."""
    return built(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="session")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as it works from the disk."""
    return built(tmp_path_factory.mktemp("offline"), OFFLINE="true")
