"""The built site, once per run for each way of reading it."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@contextmanager
def building() -> Iterator[None]:
    """One build at a time: kernels of labs name their sockets alike, and the next finds the labs run."""
    (ROOT / ".cache").mkdir(exist_ok=True)
    with (ROOT / ".cache" / "building").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def built(folder: Path, **options: str) -> Path:
    """The site, built strictly into a folder of its own; a warning fails every test of the site."""
    quiet = {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}
    with building():
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


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tracked files in a folder of their own, with what the installation and builds put beside them."""
    names = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    folder = tmp_path_factory.mktemp("copy")
    for name in names.stdout.rstrip("\0").split("\0"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for name in ("docs/assets/vendor", ".cache/labs"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name)
    for name in ("docs/weave/node_modules", ".cache/katex"):
        (ROOT / name).mkdir(parents=True, exist_ok=True)
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to(ROOT / name)
    return folder
