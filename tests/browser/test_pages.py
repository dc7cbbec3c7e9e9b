"""Every page in a real browser: nothing fails to load, nothing spills, everything can be copied."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser, Locator, Page, Response, ViewportSize

from mlp import schedules
from mlp.memory import simulate
from mlp.schedules import Advance
from weave import copies, export, paper, sweep
from weave.book import current
from weave.scan import Math, Open
from weave.typeset import expand

pytestmark = pytest.mark.slow
ADDRESSES = [address.replace(".md", ".html") for address in current().pages]


NOTHING_WAITS = "* { content-visibility: visible !important }"
"""A style with which what is far from the window is laid out too."""


def opened(
    browser: Browser, url: str, width: int, scheme: str, has_touch: bool = False
) -> tuple[Page, list[str]]:
    """A page, and what went wrong while it was loaded."""
    size: ViewportSize = {"width": width, "height": 900}
    context = browser.new_context(viewport=size, color_scheme=scheme, has_touch=has_touch)  # type: ignore[arg-type]
    page, troubles = context.new_page(), list[str]()
    page.on(
        "console",
        lambda message: (
            troubles.append(f"{message.text} {message.location['url']}")
            if message.type in ("error", "warning")
            else None
        ),
    )
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "requestfailed",
        lambda request: (
            troubles.append(f"failed: {request.url}")
            if request.failure != "net::ERR_ABORTED"  # the page was left before it came
            else None
        ),
    )
    page.on(
        "request",
        lambda request: (
            troubles.append(f"leaves the site: {request.url}")
            if not request.url.startswith((url[:17], "data:"))
            else None
        ),
    )
    page.goto(url, wait_until="load")
    return page, troubles


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", ADDRESSES)
def test_a_page_loads_without_complaint_and_fits(
    browser: Browser, address: str, name: str, width: int, scheme: str
) -> None:
    page, troubles = opened(browser, f"{address}/{name}", width, scheme)
    page.add_style_tag(content=NOTHING_WAITS)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert troubles == []
    shown = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, shown.strip("rgb()").split(",")[:3])) < 384) == (scheme == "dark"), shown
    page.context.close()


SHIFTS = """window.shift = 0; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true })"""


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_first_visit_is_light_and_nothing_moves(browser: Browser, address: str, name: str) -> None:
    """Bytes as a host sends them, compressed, for reading to the end; elements; moves of the layout.

    Fonts that come late on a busy machine move a line: the stillest of three visits counts.
    """
    shifts = []
    for _ in range(3):
        context = browser.new_context(viewport={"width": 412, "height": 823})
        page, answers = context.new_page(), list[Response]()
        page.add_init_script(SHIFTS)
        page.on("response", lambda answer, answers=answers: answers.append(answer))
        page.goto(f"{address}/{name}", wait_until="networkidle")
        shifts.append(page.evaluate("window.shift"))
        page.add_style_tag(content=NOTHING_WAITS)
        page.evaluate("document.body.offsetHeight")
        page.wait_for_load_state("networkidle")
        page.evaluate("document.fonts.ready.then(() => null)")
        bodies = {answer.url: answer.body() for answer in answers}
        elements = page.evaluate("document.getElementsByTagName('*').length")
        context.close()
        if shifts[-1] < 0.01:
            break
    sent = sum(len(body if url.endswith(".woff2") else gzip.compress(body)) for url, body in bodies.items())
    assert 90_000 < sent < 250_000 and not any("search" in url for url in bodies)
    assert elements < 17_000
    assert min(shifts) < 0.01


@pytest.mark.parametrize("label", ["thm:batches", "eq:shrink", "sec:early-stopping", "wrong:resume"])
@pytest.mark.parametrize("width", [360, 1280])
def test_a_link_leads_to_its_place(browser: Browser, address: str, width: int, label: str) -> None:
    """Though nothing above it was laid out before."""
    page, _ = opened(browser, f"{address}/network/training.html#{label}", width, "light")
    target = page.locator(f'[id="{label}"]')
    margin = target.evaluate("(each) => parseFloat(getComputedStyle(each).scrollMarginTop)")
    for _ in range(2):
        page.wait_for_timeout(200)
        assert abs(target.evaluate("(each) => each.getBoundingClientRect().top") - margin) < 2
        page.evaluate("scrollTo(0, 0)")
        page.evaluate("(label) => { location.hash = ''; location.hash = label }", label)
    page.context.close()


def test_what_is_laid_out_late_is_laid_out_alike(browser: Browser, address: str) -> None:
    """Read through, a page is as high as if nothing had waited, and much of it had."""
    page, _ = opened(browser, f"{address}/derivatives/losses.html", 1280, "light")
    places = "[...document.querySelectorAll('article > *')].map((each) => each.offsetTop)"
    height = "document.documentElement.scrollHeight"
    guessed, at = page.evaluate(height), 0
    while at < page.evaluate(height):
        page.evaluate(f"scrollTo(0, {at})")
        page.wait_for_timeout(40)
        at += 600
    read = page.evaluate(places)
    assert guessed != page.evaluate(height)
    page.add_style_tag(content=NOTHING_WAITS)
    assert page.evaluate(places) == read
    page.context.close()


def test_copying_gives_what_was_promised(browser: Browser, address: str) -> None:
    book = current()
    for name, source in book.pages.items():
        formulas = [expand(token.tex) for token in source.tokens if isinstance(token, Math) and token.display]
        statements = [
            export.statement(book, source, token)
            for token in source.tokens
            if isinstance(token, Open) and "label" in token.options and token.kind in export.STATEMENTS
        ]
        if not formulas:
            continue
        page, _ = opened(browser, f"{address}/{name.replace('.md', '.html')}", 1280, "light")
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        assert copied(page, "formula") == [tex.strip() for tex in formulas]
        assert copied(page, "latex") == statements
        if name in book.chapters:
            bundle = copies.latex(book, name, kept=False)
            assert copied(page, "section") == list(bundle["sections"].values())
            assert copied(page, "page") == [bundle["page"]]
            assert copied(page, "markdown") == [copies.markdown(book, name)]
            assert copied(page, "program") == [copies.program(book, name)]
            assert copied(page, "works") == list(filter(None, [copies.works(book, name)]))
            cited, *sections = copied(page, "citation")
            assert cited == copies.bibtex(book, name) and all("howpublished" in text for text in sections)
        page.context.close()


def test_macros_are_kept_if_the_reader_wants_them(browser: Browser, address: str) -> None:
    book, name = current(), "derivatives/affine-map.md"
    page, _ = opened(browser, f"{address}/derivatives/affine-map.html", 1280, "light")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    labelled = copied(page, "labelled")
    assert (
        labelled[0].startswith("\\begin{equation}\\label{eq:affine-adjoint}") and "\\adj" not in labelled[0]
    )
    page.locator(".take input").check()
    page.reload()
    assert page.locator(".take input").is_checked()
    assert copied(page, "page") == [paper.page(book, name, kept=True)]
    assert "\\adj{\\bar W}" in copied(page, "formula")[0]
    page.context.close()


def test_a_selection_within_a_formula_is_its_tex(browser: Browser, address: str) -> None:
    """All of it, however little was drawn over, with the book's macros if kept; no words of buttons."""
    page, troubles = opened(browser, f"{address}/derivatives/affine-map.html", 1280, "light")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    def taken() -> str:
        page.keyboard.press("Control+c")
        return str(page.evaluate("navigator.clipboard.readText()"))

    displayed, line = page.locator(".equation").first, page.locator("article p > [data-tex]").first
    whole = "$$" + displayed.locator("[data-tex]").get_attribute("data-tex").strip() + "$$"
    displayed.scroll_into_view_if_needed()
    box = displayed.locator(".katex-html").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    assert taken() == whole and "\\bar W &= \\Delta" in whole
    line.dblclick()
    assert taken() == f"${line.get_attribute('data-tex')}$"
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.equation'))")
    assert taken().strip() == f"{whole}(2.1)"
    page.locator(".take input").check()
    pressed(page, page.locator("button[data-copy=formula]").first)  # then the macros have been loaded
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.equation [data-tex]'))")
    assert "\\adj{\\bar W} &= \\adj{\\Delta}" in taken() and troubles == []
    page.context.close()


def copied(page: Page, kind: str) -> list[str]:
    """What the clipboard holds after each button of a kind has been pressed by keyboard."""
    page.evaluate("document.querySelectorAll('details').forEach(element => element.open = true)")
    found = []
    for button in page.locator(f"button[data-copy={kind}]").all():
        pressed(page, button)
        found.append(page.evaluate("navigator.clipboard.readText()"))
    return found


LISTEN = """void (window.told = new Promise((done) => {
  setTimeout(done, 30000, "nothing");
  new MutationObserver(([{ target }]) => { if (target.textContent) done(target.textContent); })
    .observe(document.querySelector(".said"), { childList: true });
}))"""


@contextmanager
def copying(page: Page) -> Iterator[None]:
    """What is done here copies something, and says so; that is heard however soon it goes again."""
    page.evaluate(LISTEN)
    yield
    assert page.evaluate("window.told") == "Copied"


def pressed(page: Page, button: Locator) -> None:
    """Press a button that copies by keyboard."""
    with copying(page):
        button.focus()
        button.press("Enter")


def test_code_is_copied_without_prompts_and_outputs(browser: Browser, address: str) -> None:
    page, _ = opened(browser, f"{address}/derivatives/affine-map.html", 1280, "light")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    texts = copied(page, "code")
    assert texts and not any(text.startswith(">>>") or "\n>>>" in text for text in texts)
    for text in texts:
        compile(text if not text.startswith(" ") else "if 1:\n" + text, "copied", "exec")
    page.context.close()


def test_charts_and_their_data_can_be_taken_away(browser: Browser, offline: Path) -> None:
    """From a file, where nothing may be fetched: the numbers, and a drawing that stands by itself."""
    page, troubles = opened(browser, f"{offline.as_uri()}/evidence/memory.html", 1280, "dark")
    charts = page.locator(".chart:has(.take)")
    assert charts.count() > 1
    for place, chart in enumerate(charts.all()):
        taken = {}
        for kind in ("CSV", "SVG"):
            with page.expect_download() as download:
                chart.get_by_role("link", name=kind).click()
            assert download.value.suggested_filename == f"memory-{place + 1}.{kind.lower()}"
            taken[kind] = Path(download.value.path()).read_text(encoding="utf-8")
        rows = list(csv.reader(taken["CSV"].splitlines()))
        assert len(rows) == 1 + chart.locator("tbody tr").count() and len(set(map(len, rows))) == 1
        drawing = ElementTree.fromstring(taken["SVG"])
        assert drawing.get("width") and "var(" not in taken["SVG"] and "rgb(" in taken["SVG"]
    assert [trouble for trouble in troubles if "search" not in trouble] == []
    page.context.close()


def test_the_sheet_of_derivatives_prints_on_two_pages(browser: Browser, address: str) -> None:
    page, _ = opened(browser, f"{address}/reference/derivatives.html", 1280, "light")
    for margin in ("0", "20mm"):  # the wider, the narrower is the window that the printer stands for
        margins = dict.fromkeys(("top", "right", "bottom", "left"), margin)
        printed = page.pdf(prefer_css_page_size=True, format="A4", margin=margins)
        boxes = re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", printed)
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 2, margin
        assert all(float(width) > float(height) for width, height in boxes) and boxes
    page.context.close()


def test_from_the_disk_everything_works(browser: Browser, offline: Path) -> None:
    page, troubles = opened(browser, f"{offline.as_uri()}/derivatives/affine-map.html", 1280, "light")
    with copying(page):
        page.locator("button[data-copy=formula]").first.click(force=True)
    page.locator(".md-search__input").press_sequentially("multiply_hessian")
    page.wait_for_selector(".md-search-result__link[href*='curvature.html']")
    assert troubles == []
    page.context.close()


@pytest.mark.parametrize(
    ("words", "target"),
    [
        ("the binomial optimum", "checkpointing/binomial.html"),
        ("jacobian of the softmax", "derivatives/softmax.html"),
        ("logsumexp", "derivatives/softmax.html"),
        ("for_budget", "checkpointing/budget.html"),
    ],
)
def test_search_finds_chapters_results_and_identifiers(
    browser: Browser, address: str, words: str, target: str
) -> None:
    page, troubles = opened(browser, f"{address}/notation.html", 1280, "light")
    page.locator(".md-search__input").press_sequentially(words)
    page.wait_for_selector(f".md-search-result__link[href*='{target}']", state="attached")
    assert troubles == []
    page.context.close()


def test_the_search_comes_when_it_is_wanted(browser: Browser, address: str) -> None:
    """By a key, with the words that were typed meanwhile; what it found is lit on its page."""
    page, troubles = opened(browser, f"{address}/notation.html", 1280, "light")
    loaded = "performance.getEntriesByType('resource').filter(({name}) => /bundle|search/.test(name)).length"
    assert page.evaluate(loaded) == 0
    page.keyboard.press("/")
    page.keyboard.type("binomial optimum")
    page.locator(".md-search-result__link[href*='binomial.html']").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/binomial.html?h=*")
    lit = page.evaluate("[...CSS.highlights.get('search')].map((range) => range.toString().toLowerCase())")
    assert set(lit) == {"binomial", "optimum"} and troubles == []
    page.context.close()


def test_colours_are_the_systems_until_the_reader_chooses(browser: Browser, address: str) -> None:
    page, troubles = opened(browser, f"{address}/notation.html", 1280, "dark")
    scheme = "document.body.dataset.mdColorScheme"
    assert page.evaluate(scheme) == "slate"
    page.emulate_media(color_scheme="light")
    page.reload()
    assert page.evaluate(scheme) == "default"
    page.locator("label[title=Dark]:visible").click()
    page.reload()
    assert page.evaluate(scheme) == "slate" and page.locator("label[title=Light]").is_visible()
    page.locator("input[name=__palette]").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.reload()
    assert page.evaluate(scheme) == "default" and troubles == []
    page.context.close()


def test_the_contents_follow_the_reader(browser: Browser, address: str) -> None:
    page, troubles = opened(browser, f"{address}/network/training.html#sec:early-stopping", 1280, "light")
    active = page.locator("[data-md-component=toc] .md-nav__link--active")
    page.locator(".md-header__title--active").wait_for()
    assert active.count() == 1 and (active.get_attribute("href") or "").endswith("#sec:early-stopping")
    page.keyboard.press("End")
    page.locator("[data-md-component=toc] li:last-child > .md-nav__link--active").wait_for()
    page.keyboard.press("n")
    page.wait_for_url("**/network/optimizers.html")
    assert troubles == []
    page.context.close()


def test_the_end_of_a_slider_is_not_the_end_of_the_page(browser: Browser, address: str) -> None:
    """If the page grows then, as a figure may, the reader stays in place."""
    page, troubles = opened(browser, f"{address}/checkpointing/explorer.html", 1280, "light")
    slider = page.locator(".explorer input[type=range]").first
    slider.focus()
    before = page.evaluate("scrollY")
    page.keyboard.press("End")
    page.evaluate("document.body.append(Object.assign(document.createElement('p'), {textContent: 'more'}))")
    page.wait_for_timeout(200)
    assert slider.input_value() == "64" and page.evaluate("scrollY") == before and troubles == []
    page.context.close()


def test_on_a_narrow_screen_the_drawer_opens_and_shuts(browser: Browser, address: str) -> None:
    page, troubles = opened(browser, f"{address}/network/training.html", 360, "light")
    page.locator(".md-header__button[for=__drawer]").click()
    page.locator(".md-nav__link[for=__toc]").click()
    page.locator("[data-md-component=toc] a[href$='#sec:early-stopping']").click()
    page.wait_for_url("**#sec:early-stopping")
    assert not page.locator("#__drawer").is_checked()
    page.locator(".md-header__button[for=__search]").click()
    page.keyboard.type("dropout")
    page.locator(".md-search-result__link[href*='dropout.html']").first.wait_for()
    assert troubles == []
    page.context.close()


def test_what_is_folded_opens_for_paper(browser: Browser, address: str) -> None:
    page, _ = opened(browser, f"{address}/derivatives/affine-map.html", 1280, "light")
    folded = page.locator("details:not([open])")
    count = folded.count()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert count and folded.count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert folded.count() == count
    page.context.close()


def test_code_that_scrolls_is_reached_by_keyboard(browser: Browser, address: str) -> None:
    page, _ = opened(browser, f"{address}/derivatives/affine-map.html", 360, "light")
    page.add_style_tag(content=NOTHING_WAITS)
    page.wait_for_timeout(100)
    stops = page.locator("article pre > code").evaluate_all(
        "(all) => all.filter((each) => each.checkVisibility())"
        ".map((each) => [each.tabIndex, each.scrollWidth > each.clientWidth])"
    )
    assert all((tab == 0) == scrolls for tab, scrolls in stops) and {True, False} == {s for _, s in stops}
    page.context.close()


def test_the_notation_card_opens_on_any_page(browser: Browser, address: str) -> None:
    """By mouse and by keyboard; it holds the tables of the page that it names, and gives the focus back."""
    page, troubles = opened(browser, f"{address}/source/layers.html", 1280, "light")
    page.locator("a.notation").focus()
    page.keyboard.press("Enter")
    card = page.locator(".notation-card")
    card.locator("tr", has_text="weights of layer").wait_for()
    assert card.locator("table").count() == 2
    page.keyboard.press("Escape")
    assert card.is_hidden() and page.evaluate("document.activeElement.matches('.notation')")
    page.locator("a.notation").click()
    card.get_by_label("Close").click()
    assert card.is_hidden() and troubles == []
    page.context.close()


def test_a_script_that_is_not_the_sites_own_does_not_run(browser: Browser, address: str) -> None:
    page, troubles = opened(browser, f"{address}/404.html", 1280, "light")
    assert troubles == []
    foreign = "Object.assign(document.createElement('script'), { textContent: 'window.ran = 1' })"
    page.evaluate(f"document.body.append({foreign})")
    assert page.evaluate("window.ran") is None and "Content Security Policy" in troubles[0]
    page.context.close()


def test_without_javascript_a_page_reads(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/derivatives/affine-map.html")
    assert page.locator(".equation .katex-html").first.is_visible()
    assert page.locator("button.copy").first.is_hidden()
    context.close()


@pytest.mark.parametrize("term", ["pull", "slope", "outer", "sum"])
def test_terms_and_lines_light_each_other(browser: Browser, address: str, term: str) -> None:
    """On the first page: a term of the recursion and its line of the program, by pointer and by keyboard."""
    page, _ = opened(browser, f"{address}/index.html", 1280, "light")
    formula, line = page.locator(f".katex-html .term-{term}"), page.locator(f".listing .term-{term}")
    formula.hover()
    assert line.evaluate("element => element.classList.contains('lit')")
    formula.focus()
    page.mouse.move(0, 0)
    line.focus()
    assert formula.evaluate("element => element.classList.contains('lit')")
    formula.evaluate("element => element.blur()")
    line.evaluate("element => element.blur()")
    assert page.locator(".lit").count() == 0
    page.context.close()


def test_a_reference_shows_its_target(browser: Browser, address: str) -> None:
    """By pointer and by keyboard, across pages; Escape puts it away."""
    page, troubles = opened(browser, f"{address}/derivatives/backpropagation.html", 1280, "light")
    link = page.locator("a.ref", has_text="Theorem 2.1").first
    link.hover()
    page.wait_for_selector(".card:visible .statement")
    assert "adjoint of the affine map" in page.locator(".card").inner_text()
    page.keyboard.press("Escape")
    assert page.locator(".card").is_hidden()
    page.mouse.move(0, 0)
    link.evaluate("element => element.focus({focusVisible: true})")
    page.wait_for_selector(".card:visible")
    assert link.get_attribute("aria-describedby") == "preview" and troubles == []
    page.context.close()


SCROLLED = """(before) => new Promise((done) => {
  setTimeout(done, 30000);
  const look = () => (scrollY > before ? done() : requestAnimationFrame(look));
  look();
})"""
"""Wait for it here: what Playwright polls with is forbidden to every page by its policy."""


def test_the_explorer_serves_a_finger(browser: Browser, address: str) -> None:
    """On a phone the first picture fits and is swept through; a long one shows the present step."""
    page, troubles = opened(browser, f"{address}/checkpointing/explorer.html", 360, "light", has_touch=True)
    box = page.locator(".explorer .scroll")
    box.scroll_into_view_if_needed()
    page.wait_for_selector(".explorer[data-ready]")
    hidden = "(each) => each.scrollWidth - each.clientWidth"
    assert box.evaluate(hidden) == 0
    page.locator(".explorer .axis").scroll_into_view_if_needed()
    place = page.locator(".explorer svg[role=img]").bounding_box()
    assert place is not None
    finger = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        at = [{"x": place["x"] + x, "y": place["y"] + y} for x, y in points]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    def step() -> int:
        return int(page.url.split(",")[-1])

    touch("touchStart", (60, 80))
    for x in range(60, 160, 10):
        touch("touchMove", (x, 80))
    touch("touchEnd")
    fifty = place["width"] / 50
    assert abs(step() - 150 / fifty) < 2
    before = page.evaluate("scrollY")
    touch("touchStart", (100, 150))
    for y in range(150, 90, -10):
        touch("touchMove", (100, y))
    touch("touchEnd")
    page.evaluate(SCROLLED, before)  # upward it moves the page, not the steps
    assert page.evaluate("scrollY") > before
    assert abs(step() - 150 / fifty) < 2
    page.locator(".explorer input[type=range]").first.fill("64")
    assert box.evaluate(hidden) > 100
    for button in ("To the end", "To the beginning", "One step on"):
        page.get_by_role("button", name=button).click()
        seen = page.locator(".explorer .cursor").bounding_box()
        assert seen is not None and 10 < seen["x"] < 350
    page.locator(".explorer svg[role=img]").tap(position={"x": 100, "y": 100})
    assert 100 / 8 < step() < 100 / 3
    assert page.evaluate("document.documentElement.scrollWidth") == 360 and troubles == []
    page.context.close()


@pytest.mark.parametrize("name", [name for name in ADDRESSES if "/" in name])
def test_no_drawing_is_scrolled_on_a_phone(browser: Browser, address: str, name: str) -> None:
    page, _ = opened(browser, f"{address}/{name}", 360, "light")
    page.add_style_tag(content=NOTHING_WAITS)
    scrolled = page.locator("figure .scroll:has(svg)").evaluate_all(
        "boxes => boxes.filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.outerHTML)"
    )
    assert scrolled == []
    page.context.close()


def explorer(page: Page) -> dict[str, str]:
    """What the explorer's meters say."""
    page.wait_for_selector(".explorer[data-ready]")
    names, values = (page.locator(f".explorer {tag}").all_inner_texts() for tag in ("dt", "dd"))
    return dict(zip(names, values, strict=True))


def test_the_explorer_runs_by_mouse_keyboard_and_link(browser: Browser, address: str) -> None:
    """Its numbers are the package's, at every step of the way."""
    url = f"{address}/checkpointing/explorer.html"
    page, troubles = opened(browser, url, 1280, "light")
    ledger = simulate(schedules.binomial(16, slots=3))
    assert explorer(page) == {
        "states + adjoints": f"1 + 1 of {ledger.peak_arrays}",
        "evaluations": f"{ledger.evaluations} of {ledger.evaluations}",
        "recomputed": f"{ledger.recomputed} of {ledger.recomputed}",
        "optimum": f"{ledger.evaluations} with {ledger.peak_states} states",
    }
    page.get_by_role("button", name="To the beginning").click()
    box = page.locator(".explorer .scroll")
    for moment in ledger.trace:
        box.press("ArrowRight")
        held = f"{moment.states} + {moment.arrays - moment.states} of {ledger.peak_arrays}"
        assert explorer(page)["states + adjoints"] == held
        lit = " ".join(page.locator(".listing .runs").all_inner_texts())
        assert ("run.advance" in lit) == isinstance(moment.action, Advance)
        assert ("run.turn" in lit) == (moment.action == Advance(15, 16))
        assert page.locator(".explorer code").inner_text() in lit
    page.locator(".explorer select").select_option("bisection")
    page.locator(".explorer input[type=range]").first.fill("64")
    found = simulate(schedules.bisection(64))
    assert explorer(page)["evaluations"] == f"{found.evaluations} of {found.evaluations}"
    page.goto(f"{url}#explorer=binomial,64,1,7")  # of so many steps that it does not come to its end
    page.reload()
    assert "x7 is computed from x6" in page.locator(".explorer .now").inner_text()
    page.get_by_role("button", name="Play").click()
    page.locator(".explorer .now", has_text=re.compile(r"Step (9|\d\d+):")).wait_for()
    page.get_by_role("button", name="Pause").click()
    assert "binomial,64,1" in page.url and troubles == []
    page.context.close()


SWEEP = "derivatives/backpropagation.html"
WORK = {  # what stands in the line that makes an array
    **dict.fromkeys(("Z1", "X1", "Z2"), "advance(layers[k]"),
    **dict.fromkeys(("L", "D2"), "loss.value_and_delta"),
    **dict.fromkeys(("W2'", "W1'"), "np.dot(delta, x.T"),
    **dict.fromkeys(("b2'", "b1'"), "np.dot(delta, ones"),
    "X1'": "np.dot(w.T, delta",
    "D1": "phi.multiply_derivative",
}


def seen(page: Page) -> dict[str, list[list[float]]]:
    """The arrays of the sweeps' figure whose numbers a reader can see, by their names."""
    visible = "(entry) => entry.checkVisibility({checkVisibilityCSS: true})"
    found = page.locator(".sweep .array").evaluate_all(
        f"""(arrays) => arrays.map((array) => [array.dataset.name, array.querySelector(".matrix")])
            .map(([name, matrix]) => [name, matrix.style.getPropertyValue("--columns"),
                [...matrix.children].filter({visible}).map((shown) => shown.textContent)])"""
    )
    return {name: read(texts, int(columns)) for name, columns, texts in found if texts}


def read(texts: list[str], columns: int) -> list[list[float]]:
    """Rows of numbers, as a reader sees them."""
    numbers = [float(text.replace("\N{MINUS SIGN}", "-")) for text in texts]
    return [numbers[at : at + columns] for at in range(0, len(numbers), columns)]


def gradients() -> dict[str, list[list[float]]]:
    """The four gradients of the network by hand, under the figure's names."""
    net, x, y = sweep.by_hand(current())
    g = net.backprop(x, y)
    pairs = (("W1'", g.nabla_w[0]), ("b1'", g.nabla_b[0]), ("W2'", g.nabla_w[1]), ("b2'", g.nabla_b[1]))
    return {name: array.tolist() for name, array in pairs} | {"L": [[g.loss]]}


def test_the_sweeps_run_by_mouse_keyboard_and_link(browser: Browser, address: str) -> None:
    """Each step makes one array known, lights its lines and says so; the numbers are the package's."""
    page, troubles = opened(browser, f"{address}/{SWEEP}", 1280, "light")
    now, box = page.locator(".sweep .now"), page.locator(".sweep .map")
    assert now.inner_text().startswith("Step 5 of 11") and now.get_attribute("aria-live") == "polite"
    assert "#" not in page.url and gradients().keys() - seen(page).keys() == {"W1'", "b1'", "W2'", "b2'"}
    page.get_by_role("button", name="To the beginning").click()
    assert page.locator(".listing .runs").count() == 0
    known = seen(page).keys()
    for at, step in enumerate(sweep.TABLE["steps"][1:], start=1):
        box.press("ArrowRight") if at % 2 else page.get_by_role("button", name="One step on").click()
        assert now.inner_text().startswith(f"Step {at} of 11") and page.url.endswith(f"#sweep={at}")
        assert seen(page).keys() - known == {step["makes"]}
        assert page.locator(".sweep .made").get_attribute("data-name") == step["makes"]
        assert page.locator(".sweep .steps > li:visible").count() == 1
        lit = page.locator(".listing .runs").all_inner_texts()
        assert WORK[step["makes"]] in lit[-1]
        assert len(lit) == 1 or "reverse(layers[k]" in lit[0]
        known = seen(page).keys()
    assert gradients().items() <= seen(page).items()
    page.locator(".sweep [data-name=Z2]").click()
    assert page.url.endswith("#sweep=3") and "D2" not in seen(page)
    page.locator(".sweep .scrub").press("End")
    assert page.url.endswith("#sweep=11")
    page.goto(f"{address}/{SWEEP}#sweep=9")  # the same page: only the hash changes
    assert now.inner_text().startswith("Step 9") and "W1'" not in seen(page)
    page.reload()
    assert now.inner_text().startswith("Step 9") and page.locator(".sweep .formula:visible").is_visible()
    assert troubles == []
    page.context.close()


def test_the_sweeps_run_by_touch_on_a_narrow_screen(browser: Browser, address: str) -> None:
    """Whatever the step, nothing spills and no control is out of a finger's reach."""
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(f"{address}/{SWEEP}#sweep=0")
    for at in range(1, 12):
        page.get_by_role("button", name="One step on").tap()
        assert page.url.endswith(f"#sweep={at}")
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        right = "[...document.querySelectorAll('.sweep *')].map((each) => each.getBoundingClientRect().right)"
        assert page.evaluate(f"Math.max(...{right})") <= 360
    page.locator(".sweep [data-name=D1]").tap()
    assert page.url.endswith("#sweep=9")
    assert (
        page.locator(".sweep .matrix").first.evaluate("(each) => getComputedStyle(each).transition") == "none"
    )
    context.close()


def test_the_sweeps_stand_there_without_javascript(browser: Browser, address: str) -> None:
    """Every number, every step and its words."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/{SWEEP}")
    steps = page.locator(".sweep .steps > li")
    assert steps.count() == 12 and all(step.is_visible() for step in steps.all())
    assert all(words.is_visible() for words in page.locator(".sweep .words").all())
    for name, array in gradients().items():
        shown = page.locator(f'.sweep [data-name="{name}"] .matrix > span')
        assert all(entry.is_visible() for entry in shown.all())
        assert read(shown.all_inner_texts(), len(array[0])) == array
    context.close()


AXE = Path(__file__).parent / "audit" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ADDRESSES)
def test_axe_finds_nothing_serious(browser: Browser, address: str, name: str, scheme: str) -> None:
    """The rules of accessibility that a program can check; `make audit` brings it."""
    page, _ = opened(browser, f"{address}/{name}", 1280, scheme)
    page.add_style_tag(content=NOTHING_WAITS)
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert not serious(page)
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_at_any_step(browser: Browser, address: str, scheme: str) -> None:
    """The sweeps' figure and the code that it lights."""
    page, _ = opened(browser, f"{address}/{SWEEP}", 1280, scheme)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    page.add_style_tag(content="* { transition: none !important }")
    for step in range(12):
        page.evaluate(f"location.hash = '#sweep={step}'")
        page.locator(".sweep .count", has_text=f"Step {step} of").wait_for()
        assert not serious(page, ".in-step"), step
    page.context.close()


def serious(page: Page, within: str = "html") -> list[tuple[str, str]]:
    """The grave findings of axe: which rule, and where first."""
    found = page.evaluate(f"axe.run('{within}', {{resultTypes: ['violations']}})")["violations"]
    return [
        (each["id"], each["nodes"][0]["html"][:200])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
