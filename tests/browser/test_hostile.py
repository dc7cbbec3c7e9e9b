"""Titles, names of files, TeX, code, sources and citations that would be markup, if anything let them.

A small book that is made of such texts is built as the site is built. No element, attribute or script of
theirs is on any page, and what they say arrives as it was written: on the pages and in what is copied.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote, unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from markdown import Markdown
from playwright.sync_api import Browser
from pybtex.database import parse_string

from weave import copies, hooks, paper
from weave.book import ROOT, Book

TAGS = '</title></script></style><script>evil()</script><evil onevil="1">'
WORDS = (
    f"""A {TAGS} & &amp; "q" 'r' x% # _a_ *b* ^ ~ \\ }} {{ $ ] [ ` \u202e\u05d0\u05d1\u202c e\u0301 \u221e"""
)
CODE = f"""text = r'''{TAGS} & &amp; \\end{{lstlisting}} \\end{{verbatim}} ``` \u05d0
  {{evil}}'''
"""
SPAN = f"``{TAGS} & &amp; ` \u05d0``"
FOLDER, FILE = """a <evil onevil="1"> & 'b'""", "100% (of) it's <evil>.md"
ADDRESS = f"{FOLDER}/{FILE}"
SOURCE = f'''def double(a):
    r"""{TAGS} & &amp; \\end{{lstlisting}} \\end{{verbatim}} ```"""
    return a + a
'''
CHAPTER = f"""# Of {SPAN}

See [](#thm:one), [](#sec:two), [](#lst:mlp.hostile.double) and [@evil, section {TAGS}].

## Two {SPAN} &lt;evil onevil="1"&gt; {{#sec:two}}

::: theorem | {WORDS}
label: thm:one

Here `a<b & &amp;`, 1 &lt; 2 &amp; 3, $\\text{{{TAGS}}} < 2 \\& a'$ and

1. [\\*] {SPAN}

$$
2a = a + a < \\text{{</script><evil onevil="1">}}. \\label{{eq:one}}
$$
:::

::: proof

By [](#eq:one).
:::

::: wrong | {WORDS}

```python raises=NameError
{CODE}evil()
```
:::

::: figure
schedule: store_all(2)
alt: {WORDS}

Caption {SPAN}
:::

```python check=thm:one fold="{WORDS.replace(chr(34), "").replace(chr(96), "").replace(chr(92), "")}"
{CODE}residuals = [0]
```

~~~text
{CODE}~~~

::: listing | mlp.hostile.double
implements: eq:one
:::

| {SPAN} | b |
|--|--|
| [\\*] 1 | {SPAN} |
"""
ENTRY = f"""@article{{evil,
  author = {{{{{TAGS} & "q"}}, A. and {{\\'E}}vil, B.}}, title = {{{TAGS} & x\\% \\_ \u05d0}},
  journal = {{{TAGS}}}, note = {{{TAGS}}}, year = {{2000}}, url = {{https://example.org/"><evil onevil="1">}}
}}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the small book, which has the theme, the weave and the package of the large one."""
    root = tmp_path_factory.mktemp("hostile")
    left_out = shutil.ignore_patterns("node_modules", "vendor", "__pycache__")
    for folder in ("docs/theme", "docs/assets", "docs/weave", "mlp"):
        shutil.copytree(ROOT / folder, root / folder, ignore=left_out)
    for folder in ("docs/assets/vendor", "docs/weave/node_modules"):
        (root / folder).symlink_to((ROOT / folder).resolve())
    head, _, rest = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("nav:\n")
    config = re.sub("^site_(name|description): .*", "", head, flags=re.MULTILINE)
    config += rest[rest.index("markdown_extensions:") :]
    bib, claims, index = (f"reference/{name}.md" for name in ("bibliography", "claims", "indexes"))
    reference = {"Reference": [bib, claims, index, "source/hostile.md"]}
    nav = [{"Home": "index.md"}, "notation.md", {WORDS: [{WORDS: ADDRESS}]}, reference]
    said = {"site_name": WORDS, "site_description": WORDS, "nav": nav}
    lists = (f"::: index | {name}\n:::\n" for name in ("statements", "equations", "listings"))
    for name, text in {
        "mkdocs.yml": config + "".join(f"\n{name}: {json.dumps(value)}\n" for name, value in said.items()),
        "mlp/hostile.py": SOURCE,
        "docs/references.bib": ENTRY,
        "docs/index.md": f"---\ntitle: {json.dumps(WORDS)}\ndescription: {json.dumps(WORDS)}\n---\n# Home\n",
        f"docs/{ADDRESS}": CHAPTER,
        f"docs/{bib}": "# Bibliography\n\n::: bibliography\n:::\n",
        f"docs/{claims}": "# Claims\n\n::: index | claims\n:::\n",
        f"docs/{index}": "# Indexes\n\n" + "\n".join(lists),
        "docs/notation.md": "# Notation\n",
        "docs/source/hostile.md": "# Source\n\n::: source | mlp.hostile\n:::\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def hostile(root: Path) -> Path:
    """Its site."""
    names = {"PYTHONPATH": f"{root / 'docs'}{os.pathsep}{root}", "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict"],
        cwd=root,
        env={**os.environ, **names, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0 and "WARNING" not in ran.stderr, ran.stderr[-4000:]
    return root / "site"


class Evil(HTMLParser):
    """Counts elements, and what is evil among them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.elements, self.inside = 0, ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements, self.inside = self.elements + 1, tag
        if tag == "evil" or any(name.startswith(("on", "<")) for name, _ in attributes):
            self.found.append(self.get_starttag_text() or "")

    def handle_data(self, data: str) -> None:
        if self.inside == "script" and "evil" in data:
            self.found.append(data)


def test_no_markup_of_a_text_is_on_a_page(hostile: Path) -> None:
    pages = [Evil(path.read_text(encoding="utf-8")) for path in hostile.rglob("*.html")]
    assert len(pages) == 8 and all(page.elements > 100 for page in pages)
    assert [found for page in pages for found in page.found] == []
    assert len(Evil(TAGS).found) == 2
    index = json.loads((hostile / "search" / "search_index.json").read_text(encoding="utf-8"))
    assert [found for each in index["docs"] for found in Evil(each["title"] + each["text"]).found] == []


def test_what_is_said_arrives(hostile: Path) -> None:
    page = BeautifulSoup(
        (hostile / ADDRESS.replace(".md", ".html")).read_text(encoding="utf-8"), "html.parser"
    )
    span = f"{TAGS} & &amp; ` \u05d0"

    def texts(selector: str) -> list[str]:
        return [found.get_text().strip() for found in page.select(selector)]

    assert page.title and page.title.get_text() == f"{WORDS} - {WORDS}"
    assert WORDS in texts(".md-nav__link") and WORDS in texts(".md-header__topic")
    assert texts("h1") == [f"Of {span}#"] and span in texts("h2")[0] and '<evil onevil="1">' in texts("h2")[0]
    assert texts(".statement .title") == [WORDS, WORDS]
    assert [drawing["aria-label"] for drawing in page.select("figure svg[role=img]")] == [WORDS]
    assert CODE.strip() in texts("pre.block")[0] and CODE.strip() in texts("pre.block")[2]
    assert "".join(texts(".listing pre.block")).replace("\n", "").endswith("a + a")
    formulas = [found["data-tex"] for found in page.select("[data-tex]")]
    assert formulas == [f"\\text{{{TAGS}}} < 2 \\& a'", '2a = a + a < \\text{</script><evil onevil="1">}.']
    assert texts("a.cite") == [f'{TAGS} & "q" & \u00c9vil 2000, section {TAGS}']
    description = page.select_one("meta[name=description]")
    assert description and description["content"] == WORDS
    bibliography = BeautifulSoup((hostile / "reference/bibliography.html").read_text(), "html.parser")
    (entry,) = bibliography.select(".entry")
    assert entry.get_text().count(TAGS) == 4 and entry.select("a")[0]["href"].endswith('"><evil onevil="1">')


def test_links_lead_to_pages_of_any_name(hostile: Path) -> None:
    """Every link to a file of the site, by the address that a browser makes of it."""
    for path in hostile.rglob("*.html"):
        if path.name != "404.html":
            for link in BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").select(
                "[href], script[src]"
            ):
                address = urlsplit(str(link.get("href") or link.get("src")))
                if not address.scheme and address.path:
                    assert (path.parent / unquote(address.path)).resolve().exists(), link


def test_a_script_in_a_text_has_no_permission(hostile: Path) -> None:
    offline = SimpleNamespace(config={"enabled": False})
    config = SimpleNamespace(plugins={"material/offline": offline})
    page = (
        "<head></head><script>theme()</script><article><script>{}</script></article><script>more()</script>"
    )
    policies = [hooks.guarded(page.format(text), config) for text in ("evil()", "")]  # type: ignore[arg-type]
    policy, other = (found.partition("script-src ")[2].partition(";")[0] for found in policies)
    assert policy == other and policy.count("sha256-") == 2


def test_what_is_copied_says_the_same(root: Path) -> None:
    book = Book(root)
    plain = copies.markdown(book, ADDRESS)
    shown = BeautifulSoup(
        Markdown(extensions=["fenced_code"]).convert(plain.replace(SPAN, "")), "html.parser"
    )
    assert WORDS.replace("`", "") in shown.get_text().replace("`", "")
    names: dict[str, str] = {}
    exec(copies.program(book, ADDRESS), names)
    expected: dict[str, str] = {}
    exec(CODE, expected)
    assert names["text"] == expected["text"]
    latex = paper.page(book, ADDRESS)
    assert r"\texttt{a\textless{}b \& \&amp;}, 1 \textless{} 2 \& 3" in latex and "\x02" not in latex
    assert latex.count("\\begin{lstlisting}") == latex.count("\\end{lstlisting}") == 4
    assert r"\emph{\textless{}/title\textgreater{}" in latex.partition(r"\bibitem")[2]
    place = copies.places(book, ADDRESS)["sec:two"]
    source = f"{copies.bibtex(book, ADDRESS).rstrip()[:-1]}  place = {place}\n}}"
    (entry,) = parse_string(source, "bibtex").entries.values()
    assert entry.fields["place"].endswith(r", \texttt{\#sec:two}")
    assert entry.fields["booktitle"].startswith(r"A \textless{}/title\textgreater{}")
    script = copies.bundle(book, ADDRESS)
    assert json.loads(script.partition(" = ")[2].rstrip(";\n"))["md"] == plain


def test_names_that_fit_into_no_address_are_refused(root: Path) -> None:
    book = Book(root)
    entries = book.bibliography.text.replace("{evil,", '{e"vil,').replace(
        "https://example", "javascript:example"
    )
    (root / "docs/references.bib").write_text(entries, encoding="utf-8")
    try:
        said = [str(mistake) for mistake in Book(root).mistakes()]
    finally:
        (root / "docs/references.bib").write_text(ENTRY, encoding="utf-8")
    assert any("whose key would not fit" in each for each in said) and any(
        "whose url is" in each for each in said
    )
    assert [str(mistake) for mistake in book.mistakes()] == []


@pytest.mark.slow
def test_a_browser_runs_nothing_of_it(
    browser: Browser, hostile: Path, serve: Callable[[Path], AbstractContextManager[str]]
) -> None:
    """Nor when it searches, copies, or shows what a reference leads to."""
    troubles: list[str] = []
    with serve(hostile) as address:
        page = browser.new_page()
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        for path in hostile.rglob("*.html"):
            page.goto(f"{address}/{quote(path.relative_to(hostile).as_posix())}")
            assert page.evaluate("document.querySelectorAll('evil, [onevil], article script').length") == 0
        page.goto(f"{address}/{quote(ADDRESS.replace('.md', '.html'))}")
        assert page.title() == f"{WORDS} - {WORDS}"
        page.locator("article a.ref").first.focus()
        page.keyboard.press("Tab")
        page.keyboard.press("Shift+Tab")
        page.locator("#preview", has_text="evil()").wait_for()
        page.locator(".md-search__input").press_sequentially("evil")
        page.wait_for_selector(".md-search-result__item", state="attached")
        assert TAGS in str(page.locator(".md-search-result__list").text_content())
        copying = "navigator.clipboard.writeText = async (text) => done(text)"
        page.evaluate(f"void (window.copied = new Promise((done) => {{ {copying}; }}))")
        page.keyboard.press("Escape")
        page.locator("button[data-copy=markdown]").click()
        assert page.evaluate("window.copied").startswith(f"# Of {SPAN}")
        assert page.evaluate("document.querySelectorAll('evil, [onevil]').length") == 0
    assert troubles == []


@pytest.mark.slow
def test_latex_compiles(root: Path, tmp_path: Path) -> None:
    book = Book(root)
    for name, source in {"page": paper.page(book, ADDRESS), "whole": paper.whole(book)}.items():
        (tmp_path / f"{name}.tex").write_text(source, encoding="utf-8")
        ran = subprocess.run(
            ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", f"{name}.tex"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        assert ran.returncode == 0, ran.stdout[-3000:]
