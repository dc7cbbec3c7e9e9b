"""While `mkdocs serve` runs, an edit in mlp/ or docs/ shows in an open browser by itself."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

pytestmark = pytest.mark.slow


@pytest.fixture
def served(copy: Path) -> Iterator[str]:
    """The address at which the copy is served."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"
    names = {
        "PYTHONPATH": f"{copy / 'docs'}:{copy}",
        "NO_MKDOCS_2_WARNING": "1",
        "DISABLE_MKDOCS_2_WARNING": "true",
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "mkdocs", "serve", "--livereload", "--dev-addr", place],
        cwd=copy,
        env=os.environ | names,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr
    for line in server.stderr:
        if "Serving on" in line:
            break
    yield f"http://{place}"
    server.terminate()
    server.communicate(timeout=20)


def test_edits_show_by_themselves(browser: Browser, copy: Path, served: str) -> None:
    page = browser.new_page()
    page.goto(f"{served}/derivatives/affine-map.html", wait_until="load")
    time.sleep(1)
    edit(copy / "docs/derivatives/affine-map.md", "# The affine map", "# The affine map, edited")
    page.wait_for_selector("h1:has-text('The affine map, edited')", timeout=60_000)
    time.sleep(1)
    edit(copy / "mlp/layers.py", "def advance(", "def advance(  # a comment in the source")
    page.wait_for_selector(".listing:has-text('a comment in the source')", timeout=60_000)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
