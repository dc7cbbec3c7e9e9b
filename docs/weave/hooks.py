"""What crosses into MkDocs: labs, whose blocks mkdocs-jupyter executes and whose prose is the book's own."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup
from jupyter_client.connect import ConnectionFileMixin
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from weave import copies, explorer, previews, results
from weave.book import ROOT, current
from weave.errors import WeaveError
from weave.extension import OUTPUTS
from weave.source import Source


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Key the cache of executed labs by all they draw on; mkdocs-jupyter looks at the lab's file only."""
    # Kernels talk through sockets in the file system: nothing on a network, and no warning that it is not
    # encrypted.
    ConnectionFileMixin.transport.default_value = "ipc"
    tools = [ROOT / "docs" / "weave" / name for name in ("charts.py", "results.py")]
    drawn = [results.digest(set(results.PARTS)), *(path.read_text(encoding="utf-8") for path in tools)]
    key = hashlib.sha256("\0".join([Source(ROOT).digest, *drawn]).encode()).hexdigest()[:16]
    cache = ROOT / ".cache" / "labs" / key
    config.plugins["mkdocs-jupyter"].config["cache_dir"] = str(cache)
    return config


def on_pre_build(config: MkDocsConfig) -> None:
    """Refuse to build a book with a mistake in it, and name them all."""
    try:
        mistakes = list(current().mistakes())
    except WeaveError as error:
        mistakes = [error]
    if mistakes:
        raise PluginError("\n".join(map(str, mistakes)))


def on_post_build(config: MkDocsConfig) -> None:
    """Put the bundle of what can be copied beside each page."""
    book = current()
    (Path(config.site_dir) / "assets" / "schedules.js").write_text(explorer.data(), encoding="utf-8")
    for address in book.pages:
        if not address.startswith(("source/", "index")):
            path = Path(config.site_dir) / address.replace(".md", ".copies.js")
            path.write_text(copies.bundle(book, address), encoding="utf-8")


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Put the previews of what can be referred to beside the page."""
    address = page.file.src_uri
    if not address.startswith("source/"):
        path = Path(config.site_dir) / address.replace(".md", ".previews.js")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(previews.script(current(), address, output), encoding="utf-8")
    return output


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Render a lab again as a page of the book, each block followed by its executed output.

    mkdocs-jupyter has put its own `render` on the page; the class's is MkDocs' own. Of its HTML only the
    outputs are kept: its style sheet of half a megabyte, scripts and prompts go.
    """
    if "render" not in vars(page):
        return html
    cells: Any = BeautifulSoup(html, "html.parser").select(".jp-Notebook > .jp-CodeCell")
    OUTPUTS[page.file.src_uri] = [_outputs(cell) for cell in cells]
    if len(cells) != len(list(current().pages[page.file.src_uri].examples())):
        raise PluginError(
            f"docs/{page.file.src_uri}: {len(cells)} blocks were executed, "
            "but the page has another number of them"
        )
    Page.render(page, config, files)
    assert page.content is not None
    return page.content


def _outputs(cell: Any) -> tuple[str, str]:
    """What a block printed, and what it displayed, as HTML."""
    printed, displayed = "", ""
    for shown in cell.select(".jp-OutputArea-output"):
        if (text := shown.find("pre")) is not None:
            printed += text.decode_contents()
        else:
            displayed += shown.decode_contents()
    return printed, displayed
