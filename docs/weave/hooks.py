"""What crosses into MkDocs: labs, whose blocks mkdocs-jupyter executes and whose prose is the book's own."""

import hashlib
import html
import importlib
import re
import sys
from base64 import b64encode
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup
from jinja2 import Environment
from jupyter_client.connect import ConnectionFileMixin
from markupsafe import Markup, escape
from material.plugins.search.plugin import SearchIndex
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import Abort, PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page

from weave import copies, explorer, pictures, previews, results, source, styles, sweep, typeset
from weave.book import ROOT, current
from weave.errors import WeaveError
from weave.extension import OUTPUTS, STALE

VENDOR = ROOT / "docs" / "assets" / "vendor"
SHEET = re.compile(
    r'<link rel="stylesheet" href="[^"]*/(?:main\.\w+\.min|palette\.\w+\.min|fonts|katex\.min)\.css">'
)
SCRIPT = re.compile(r'<script src="([^"]*/bundle\.\w+\.min\.js)"></script>')
TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
CHART = re.compile(r'<figure class="chart">.*?</figure>', re.DOTALL)
HERE = Path(__file__).parent
served = False

# What is kept from one build to the next while the book is served.
IMPORTED: list[Any] = []
EXECUTED: dict[str, tuple[tuple[str, ...], list[tuple[str, str]]]] = {}
INDEXED: dict[str, tuple[Any, list[dict[str, str]]]] = {}


class Index(SearchIndex):  # type: ignore[misc]
    """The index of the search, which reads a page only if it says something new."""

    def add_entry_from_context(self, page: Page) -> None:
        """Add the entries of a page."""
        said = page.title, page.content, dict(page.meta)
        kept, entries = INDEXED.get(page.url, (None, []))
        before = len(self.entries)
        if kept == said:
            self.entries += entries
        else:
            super().add_entry_from_context(page)
        INDEXED[page.url] = said, self.entries[before:]


def on_startup(command: str, dirty: bool) -> None:
    """While the site is written, MkDocs puts a script of its own on each page, after all of this."""
    global served  # noqa: PLW0603
    served = command == "serve"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Key the cache of executed labs by all they draw on; mkdocs-jupyter looks at the lab's file only."""
    # Kernels talk through sockets in the file system: nothing on a network, and no warning that it is not
    # encrypted.
    ConnectionFileMixin.transport.default_value = "ipc"
    _renew()
    tools = ((HERE / name).read_text(encoding="utf-8") for name in ("charts.py", "results.py"))
    drawn = [results.digest(set(results.PARTS)), *tools]
    key = hashlib.sha256("\0".join([source.read(ROOT).digest, *drawn]).encode()).hexdigest()[:16]
    cache = ROOT / ".cache" / "labs" / key
    config.plugins["mkdocs-jupyter"].config["cache_dir"] = str(cache)
    for name in ("site_name", "site_description", "site_author"):
        config[name] = _escaped(config[name])
    search: Any = config.plugins["material/search"]
    search.search_index = Index(**search.config)
    return config


def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> None:
    """Refuse a page that the nav leaves out; escape the titles that it gives to pages and to their parts."""
    for file in files.documentation_pages():
        if file.src_uri not in current().pages:
            problem, remedy = (
                "a page that the nav does not name",
                "Add it to the nav of mkdocs.yml, or take it away",
            )
            raise PluginError(str(WeaveError(f"docs/{file.src_uri}", 1, problem, remedy)))
    for page in nav.pages:
        for each in (page, *page.ancestors):
            each.title = _escaped(each.title)


def on_env(env: Environment, config: MkDocsConfig, files: Files) -> None:
    """Escape what else the templates print as it is, now that every page has its title."""
    for file in files.documentation_pages():
        if page := file.page:
            for name in {"title", "description"} & page.meta.keys():
                page.meta[name] = _escaped(str(page.meta[name]))
            if page.title and not isinstance(page.title, Markup):  # that of a heading is escaped already
                page.title = _escaped(html.unescape(page.title))


def _escaped(text: str | None) -> str | None:
    """A text that a template prints as HTML, whether it escapes or not; escaped twice it is the same."""
    return text and escape(text)


def _renew() -> None:
    """Draw with the package and typeset with the macros that are there now, not when serving began."""
    now = source.read(ROOT).digest, *(path.read_bytes() for path in sorted(HERE.glob("*.toml")))
    if IMPORTED and [now] != IMPORTED:
        IMPORTED[:] = [None]  # what stands half made if one of these fails is made again
        for name in [name for name in sys.modules if name.partition(".")[0] == source.PACKAGE]:
            del sys.modules[name]
        for module in (pictures, explorer, sweep):
            importlib.reload(module)
        typeset.forget()
    IMPORTED[:] = [now]


def on_pre_build(config: MkDocsConfig) -> None:
    """Refuse to build a book with a mistake in it, and name them all."""
    try:
        mistakes = list(current().mistakes())
    except WeaveError as error:
        mistakes = [error]
    if mistakes:
        raise PluginError("\n".join(map(str, mistakes)))


def on_build_error(error: Exception) -> None:
    """Say a writer's mistake that was found on the way, without the trace that led to it."""
    if isinstance(error, WeaveError):
        raise Abort(str(error)) from None


def on_post_build(config: MkDocsConfig) -> None:
    """Put the bundle of what can be copied beside each page."""
    book = current()
    (Path(config.site_dir) / "assets" / "schedules.js").write_text(explorer.data(), encoding="utf-8")
    for address in book.pages:
        if not address.startswith(("source/", "index")):
            path = Path(config.site_dir) / address.replace(".md", ".copies.js")
            path.write_text(copies.bundle(book, address), encoding="utf-8")
    _lend(Path(config.site_dir))
    _dress(config)
    _license(Path(config.site_dir) / "assets", Path(config.theme.dirs[1]))


def _dress(config: MkDocsConfig) -> None:
    """Make one style sheet of the theme's and the book's, with the rules that some page can meet."""
    site = Path(config.site_dir)
    assets, theme = site / "assets", Path(config.theme.dirs[1]) / "assets"
    sources = [
        (next(theme.glob("stylesheets/main.*.css")), "stylesheets/"),
        (next(theme.glob("stylesheets/palette.*.css")), "stylesheets/"),
        (VENDOR / "fonts.css", "vendor/"),
        (VENDOR / "katex" / "katex.min.css", "vendor/katex/"),
        (VENDOR.parent / "book.css", ""),
    ]
    parts = [(path.read_text(encoding="utf-8"), folder) for path, folder in sources]
    pages = (path.read_text(encoding="utf-8") for path in site.rglob("*.html"))
    scripts = (path.read_text(encoding="utf-8") for path in VENDOR.parent.glob("*.js"))
    script = next(theme.glob("javascripts/bundle.*.js")).read_text(encoding="utf-8")
    (assets / "book.css").write_text(styles.sheet(parts, pages, scripts, script), encoding="utf-8")
    merged = ("stylesheets/*", "vendor/fonts.css", "vendor/katex/katex.min.css")
    for path in [path for name in merged for path in assets.glob(name)]:
        path.unlink()


def _license(assets: Path, theme: Path) -> None:
    """Put the licences of the theme and of its icons beside the files that they are for."""
    own = distribution("mkdocs-material").read_text("licenses/LICENSE")
    icons = (theme / ".icons" / "material" / "LICENSE").read_text(encoding="utf-8")
    (assets / "LICENSE-theme.txt").write_text(f"{own}\n\nIts icons:\n\n{icons}", encoding="utf-8")


def _lend(site: Path) -> None:
    """Put the first chart of a lab on Home, which is written before the lab is executed."""
    home = site / "index.html"
    borrowed = re.sub(
        r'<figure class="chart" data-from="([^"]*)"></figure>',
        lambda wanted: [*CHART.findall((site / wanted[1]).read_text()), *[STALE] * served][0],
        home.read_text(encoding="utf-8"),
    )
    home.write_text(borrowed, encoding="utf-8")


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Let wide tables scroll, and put the previews of what can be referred to beside the page."""
    address = page.file.src_uri
    output = TABLE.sub(
        r'<div class="md-typeset__scrollwrap"><div class="md-typeset__table">\g<0></div></div>', output
    )
    if not address.startswith("source/"):
        path = Path(config.site_dir) / address.replace(".md", ".previews.js")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(previews.script(current(), address, output), encoding="utf-8")
    return guarded(lighter(output), config)


def on_post_template(output: str, template_name: str, config: MkDocsConfig) -> str:
    """The page for addresses that are not there is no Markdown, and is guarded alike."""
    return guarded(lighter(output), config) if template_name.endswith(".html") else output


def lighter(html: str) -> str:
    """The page with one style sheet, and the theme's script where assets/shell.js finds it for a search."""
    return SCRIPT.sub(r'<script type="text/plain" id="__theme" data-src="\1"></script>', SHEET.sub("", html))


def guarded(output: str, config: MkDocsConfig) -> str:
    """The page with a policy: no script runs but the site's own, by origin or, inline, by its hash.

    An inline script of the theme has a hash; what stands in the text of a page has none.
    """
    if served or config.plugins["material/offline"].config["enabled"]:  # a file has no origin
        return output
    before, _, rest = output.partition("<article")
    scripts = INLINE.findall(before) + INLINE.findall(rest.rpartition("</article>")[2])
    inline = {b64encode(hashlib.sha256(code.encode()).digest()).decode() for code in scripts}
    hashes = [f"'sha256-{each}'" for each in sorted(inline)]
    policy = [
        "default-src 'self'",
        " ".join(["script-src 'self'", *hashes]),
        "style-src 'self' 'unsafe-inline'",  # KaTeX places its boxes by attributes
        "img-src 'self' data:",
        "object-src 'none'; base-uri 'self'",
    ]
    meta = f'<meta http-equiv="Content-Security-Policy" content="{"; ".join(policy)}">'
    return output.replace("<head>", f"<head>{meta}", 1)


def on_pre_page(page: Page, config: MkDocsConfig, files: Files) -> Page:
    """While the book is served, execute a lab once: if it changes, or what it draws on does, it says so."""
    address = page.file.src_uri
    if served and address in EXECUTED and "render" in vars(page):
        del page.render
        blocks, outputs = EXECUTED[address]
        OUTPUTS[address] = outputs if blocks == _blocks(address, config) else []
    return page


def _blocks(address: str, config: MkDocsConfig) -> tuple[str, ...]:
    """What a lab shows depends on its blocks, and on all that the key of the cache says."""
    codes = (fence.code for fence in current().pages[address].examples())
    return str(config.plugins["mkdocs-jupyter"].config["cache_dir"]), *codes


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Render a lab again as a page of the book, each block followed by its executed output.

    mkdocs-jupyter has put its own `render` on the page; the class's is MkDocs' own. Of its HTML only the
    outputs are kept: its style sheet of half a megabyte, scripts and prompts go.
    """
    if "render" not in vars(page):
        return html
    address = page.file.src_uri
    cells: Any = BeautifulSoup(html, "html.parser").select(".jp-Notebook > .jp-CodeCell")
    OUTPUTS[address] = [_outputs(cell) for cell in cells]
    if len(cells) != len(list(current().pages[address].examples())):
        problem = f"{len(cells)} blocks were executed, but the page has another number of them"
        raise PluginError(f"docs/{address}: {problem}")
    EXECUTED[address] = _blocks(address, config), OUTPUTS[address]
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
