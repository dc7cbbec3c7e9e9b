"""The Python-Markdown extension: each token of a page becomes HTML or plain Markdown; the rest is left alone.

It is a preprocessor and nothing else, so that every tool that runs Python-Markdown can build the book. A page
is known by its text; what it needs of other pages (numbers, addresses) it asks of the book.
"""

import html
import posixpath
import re
from importlib.metadata import version
from itertools import count
from typing import Any
from urllib.parse import quote

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

from weave import citations, explorer, export, indexes, listing, pictures, results, sheet, sweep
from weave.book import Book, Formula, Target, current, fingerprint, noun
from weave.record import Record, listing_key
from weave.scan import (
    FIGURES,
    PROVED,
    STATEMENTS,
    Cite,
    Close,
    Fence,
    Heading,
    Math,
    Measured,
    Open,
    Page,
    Ref,
    Sheet,
    Token,
    scan,
)
from weave.typeset import TexError, typeset

OUTPUTS: dict[str, list[tuple[str, str]]] = {}
"""For each lab's address, what its blocks printed and displayed, as HTML: the hook puts it here; if it puts
nothing, they have changed since they were run."""

STALE = '<p class="stale">Changed since it was last run.</p>'

TAKEN = {
    "page": ("LaTeX", "Copy the page as a LaTeX document"),
    "markdown": ("Markdown", "Copy the page as Markdown"),
    "program": ("Python", "Copy all blocks as one program"),
    "citation": ("BibTeX", "Copy a BibTeX entry for the page"),
    "works": (".bib", "Copy the BibTeX entries of the works that the page cites"),
}
"""What can be copied of a whole chapter, or of a page with sheets."""

CLOSED = {
    **dict.fromkeys(("listing", "source", "bibliography", "index"), ""),  # complete when they open
    **dict.fromkeys(FIGURES, "\n</figcaption>\n</figure>\n"),
    "proof": "\n</div>\n",
    "solution": "\n\n</details>\n\n",
    "aside": "\n</aside>\n",
}
"""The ends of blocks, but those of statements, which end with what checks them."""

SHORT = 30  # a formula of fewer characters is not broken before a mark
BASE = '</span><span class="katex-base">'  # where KaTeX lets a line end
BREAK = BASE.replace("</span>", "</span><wbr>")
RELATION = f'margin-right:0.2778em;"></span>{BASE}'  # where it does so after a relation
ALIGNED = re.compile(r"\S {2,}\S")
"""What is printed in columns, which broken lines would spoil."""
CLOSING = re.compile(r"[.,;:?!)]+")
LINK = re.compile(r"\]\(/([^)\s#]+\.md)")


class Weave(Extension):
    """`weave.extension` in the list of Markdown extensions."""

    def extendMarkdown(self, md: Markdown) -> None:
        """Run after white space is normalised (30) and before HTML and fences are read (25)."""
        md.ESCAPED_CHARS.append("$")
        md.preprocessors.register(_Preprocessor(md), "weave", 28)


def makeExtension(**options: Any) -> Weave:
    """What Python-Markdown calls."""
    return Weave(**options)


class _Preprocessor(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        book = current()
        text = "\n".join(lines)
        address = book.bodies.get(fingerprint(text), "")
        page = book.pages[address] if address else scan("(text outside the book)", text)
        return Weaver(self.md, book, address, page).woven().split("\n")


class Weaver:
    """Replaces the tokens of one page, at address `here`; block HTML is stashed until Markdown is done."""

    def __init__(self, md: Markdown, book: Book, here: str, page: Page) -> None:
        self.md, self.book, self.here, self.page = md, book, here, page
        self.record = Record(book.root)
        self.outputs = iter(OUTPUTS.get(here, []))
        self.sections = count(1)

    def woven(self) -> str:
        """The page's text with every token replaced."""
        parts, at = [], 0
        for token in self.page.tokens:
            parts += [self.page.text[at : token.start], self.anchors(token), self.replace(token)]
            at = token.end
            if isinstance(token, Math) and not token.display:
                mark = CLOSING.match(self.page.text, at)
                parts[-1] = f'<span class="nb">{parts[-1]}{mark[0]}</span>' if mark else parts[-1]
                at = mark.end() if mark else at
        return LINK.sub(self.relative, "".join(parts) + self.page.text[at:]) + self.stamp()

    def relative(self, link: re.Match[str]) -> str:
        """A link to a page, relative to this one: every tool that builds the book understands it."""
        return f"]({posixpath.relpath(link[1], posixpath.dirname(self.here) or '.')}"

    def stamp(self) -> str:
        """What has been run of this page, and when: the record's word for it, and that of the results."""
        blocks, parts = list(self.page.examples()), results.used(self.page)
        if not self.here or not (blocks or parts):
            return ""
        words = f"Version {version('mlp')}."
        words += (self.runs(blocks) if blocks else "") + self.ages(parts)
        claims = listing.href(self.here, indexes.CLAIMS)
        return self.block(f'<p class="stamp">{words} <a href="{claims}">All claims</a></p>')

    def runs(self, blocks: list[Fence]) -> str:
        """How many blocks were run, and results checked, and when."""
        fresh = [entry for block in blocks if (entry := self.record.block(self.book, self.page, block))]
        proved = [token for token in self.page.tokens if isinstance(token, Open) and token.kind in PROVED]
        words = f" {_count(len(fresh), 'block')} run"
        if proved:
            checked = sum(bool(self.record.claim(self.book, self.page, result)) for result in proved)
            words += f", {_count(checked, 'result')} checked"
        if fresh:
            words += f", last on {max(entry.date for entry in fresh)}"
        stale = len(blocks) - len(fresh)
        changed = f' <strong class="stale">{_count(stale, "block")} changed since.</strong>'
        return f"{words}." + changed * bool(stale)

    def ages(self, parts: set[str]) -> str:
        """Which results are missing, or older than the code."""
        found: dict[str, list[str]] = {}
        for part in sorted(parts):
            said = results.trouble(results.load(part, self.book.root), self.book.source.digest)
            found.setdefault(said, []).append(part)
        fresh = found.pop("", [])
        words = "".join(
            f' <strong class="stale">Results {said}: {", ".join(names)}.</strong>'
            for said, names in found.items()
        )
        return words + f" Measured: {', '.join(fresh)}." * bool(fresh)

    def replace(self, token: Token) -> str:
        """A token's replacement: Markdown, or the placeholder of stashed HTML."""
        match token:
            case Fence():
                new = token.indent + self.stash(self.fence(token))
            case Math():
                new = self.equation(token) if token.display else self.stash(self.inline(token))
            case Open():
                new = getattr(self, f"open_{token.kind}", self.open_statement)(token)
            case Close():
                new = self.close(token.opened)
            case Heading():
                new = self.heading(token)
            case Ref():
                target = self.book.resolve(self.page, token)
                new = f"[{token.text or target.words}](/{quote(target.page)}#{target.label}){{.ref}}"
            case Cite():
                new = self.cite(token)
            case Measured():
                new = self.stash(self.number(token))
            case Sheet():
                new = self.block(self.tabulated(token))
            case _:
                raise AssertionError(token)
        return new

    def anchors(self, token: Token) -> str:
        """Where a label has taken the place of others: their addresses lead here too."""
        label = token.label if isinstance(token, Math | Heading | Open) else ""
        return self.block("".join(f'<span id="{name}"></span>' for name in self.book.old.get(label, [])))

    def stash(self, markup: str) -> str:
        """Put HTML by; Markdown puts it back in place of what this returns."""
        return self.md.htmlStash.store(markup)

    def block(self, markup: str) -> str:
        """Stashed HTML that stands by itself."""
        return f"\n\n{self.stash(markup)}\n\n" if markup else ""

    def framed(self, tag: str, classes: str, label: str, markup: str) -> str:
        """Stashed HTML in an element that Markdown sees, so that links to its label can be verified."""
        return _open(tag, classes, label) + self.block(markup) + f"</{tag}>\n\n"

    # ---------------------------------------------------------------- formulas, headings, citations

    def formula(self, math: Math) -> str:
        """An inline or displayed formula, typeset."""
        try:
            return typeset(math.tex, math.display)
        except TexError as error:
            knows = "KaTeX's list of functions says what it knows, macros.toml what the book adds"
            remedy = f"Correct the formula; {knows}"
            raise self.page.error(math.line, f"TeX does not parse: {error}", remedy) from None

    def inline(self, math: Math) -> str:
        """A formula in a line: a long one may be broken, best at a relation, but not before a mark."""
        shown = self.formula(math)
        if len(math.tex) < SHORT:
            return shown
        places = RELATION if RELATION in shown else BASE
        return shown.replace(places, places.replace(BASE, BREAK))

    def equation(self, math: Math) -> str:
        """A displayed formula in its own scrolling box, with its number and anchor if it has a label."""
        number = self.book.number(self.page, math)
        anchor = f'<a class="number" href="#{math.label}">({number})</a>' if number else ""
        button = _copy_button("formula", "Copy the formula as TeX")
        scroll = f'<div class="scroll" tabindex="0" data-search-exclude>{self.formula(math)}</div>'
        framed = self.framed("div", "equation", math.label, scroll + anchor + button)
        code = ", ".join(
            listing.definition(self.here, home.label.removeprefix("lst:"), home)
            for home in self.book.code(math.label)
        )
        return framed + self.block(f'<p class="coded">in code: {code}</p>' * bool(code))

    def heading(self, heading: Heading) -> str:
        """A heading; those of a chapter and its sections carry their numbers for the style sheet."""
        chapter = self.book.chapters.get(self.here)
        number = chapter if heading.level == 1 else None
        attributes = [f"#{heading.label}"] * bool(heading.label) + [f'data-chapter="{number}"'] * bool(number)
        if chapter and heading.level == 2:
            attributes.append(f'data-section="{chapter}.{next(self.sections)}"')
        braced = f" {{ {' '.join(attributes)} }}" if attributes else ""
        sheets = heading.level == 1 and self.page.has_sheet
        taken = self.block(self.taken()) if number or sheets else ""
        return f"{'#' * heading.level} {heading.text}{braced}{taken}"

    def taken(self) -> str:
        """The line below the title that offers what can be copied of the page, if it has any of it."""
        there = {  # of what not every page has
            "program": any(self.page.examples()),
            "works": any(isinstance(token, Cite) for token in self.page.tokens),
        }
        buttons = " ".join(
            f'<button type="button" class="copy words" data-copy="{kind}" title="{purpose}">{words}</button>'
            for kind, (words, purpose) in TAKEN.items()
            if there.get(kind, True)
        )
        macros = "LaTeX is copied with the book's own macros instead of what they stand for"
        kept = f'<label title="{macros}"><input type="checkbox"> keep macros</label>'
        return f'<p class="take" data-search-exclude>Copy this page: {buttons} {kept}</p>'

    def cite(self, cite: Cite) -> str:
        """Links to the entries of the bibliography."""
        return "; ".join(
            f"[{self.stash(html.escape(said, quote=False))}](/{citations.PAGE}#bib-{key}){{.cite}}"
            for said, (key, _) in zip(self.book.cited(self.page, cite), cite.keys, strict=True)
        )

    def number(self, token: Measured) -> str:
        """A measured number, with its name and its origin at hand."""
        data = results.load(token.name.split(".")[0], self.book.root)
        origin = html.escape(f"{token.name}. {results.origin(data, self.book.source.digest)}")
        shown = html.escape(results.words(self.page, token, self.book.root))
        return f'<span class="measured" title="{origin}">{shown}</span>'

    # ---------------------------------------------------------------- code

    def fence(self, fence: Fence) -> str:
        """A block of code with what running it showed."""
        labels = fence.options.get("check", "").split()
        identity = f' id="{self.book.check_anchor(fence)}"' if labels else ""
        kind = "check" if labels else ("raises" if "raises" in fence.options else "plain")
        inside, after = self.outcome(fence) if fence.is_example else ("", "")
        code = listing.code(fence.code, fence.language)
        if fold := html.escape(fence.options.get("fold", "")):
            kind, code = "folded", f'<details class="fold"><summary>{fold}</summary>{code}</details>'
        return f'<div class="code {kind}"{identity}>{self.caption(fence, labels)}{code}{inside}</div>{after}'

    def caption(self, fence: Fence, labels: list[str]) -> str:
        """What a block is there for, if it is there for something."""
        targets = [self.book.labels[label] for label in labels if label in self.book.labels]
        if targets:
            words = "Checks " + ", ".join(listing.reference(self.here, target) for target in targets)
        elif "raises" in fence.options:
            words = f"Raises <code>{html.escape(fence.options['raises'])}</code>"
        elif "norun" in fence.options:
            words = f"Not run: {html.escape(fence.options['norun'])}"
        else:
            return ""
        return f'<p class="purpose">{words}</p>'

    def outcome(self, fence: Fence) -> tuple[str, str]:
        """What running the block showed, in its box and after it: just now (labs) or as the record has it."""
        if self.here in OUTPUTS:
            shown = next(self.outputs, None)
            return (_output(shown[0]), shown[1]) if shown else (STALE, "")
        entry = self.record.block(self.book, self.page, fence)
        if entry is None:
            return STALE, ""
        tick = f'<span class="tick">{entry.finding}</span>, <span class="nb">{entry.date}</span>'
        found = f'<p class="found">{tick}</p>' if entry.kind else ""
        return _output(html.escape(entry.output, quote=False)) + found, ""

    def open_listing(self, token: Open) -> str:
        """The source itself, with its label where it is at home."""
        shown = self.book.listing(token)
        home = self.book.home(shown.piece.name)
        label = home.label if home and (home.page, home.line) == (self.here, token.line) else ""
        executed = self.record.entry(f"mlp:{shown.piece.name}", listing_key(self.book, shown.piece))
        return self.framed("figure", "listing code", label, listing.markup(self.book, shown, executed))

    def open_source(self, token: Open) -> str:
        """A whole module."""
        if token.argument not in self.book.source.modules:
            known = f"Modules: {', '.join(self.book.source.modules)}"
            raise self.page.error(token.line, f"no module {token.argument!r}", known)
        return self.block(listing.whole_module(self.book, self.here, token.argument))

    def open_bibliography(self, token: Open) -> str:
        """Every entry, in the order of its key."""
        return "".join(
            self.framed("div", "entry", f"bib-{key}", f"<p>{self.book.bibliography.printed(key)}</p>")
            for key in sorted(self.book.bibliography.entries)
        )

    def open_index(self, token: Open) -> str:
        """An index of the book."""
        makers = indexes.MAKERS
        if token.argument not in makers:
            known = f"Indexes: {', '.join(makers)}"
            raise self.page.error(token.line, f"no index {token.argument!r}", known)
        return self.block(makers[token.argument](self))

    # ---------------------------------------------------------------- sheets

    def tabulated(self, token: Sheet) -> str:
        """A sheet's table: names, formulas, code and checks, each linked to where it stands."""
        columns = (*map(html.escape, token.columns), "code", "check")
        head = "".join(f'<th scope="col" data-column="{name}">{name}</th>' for name in columns)
        body = "".join(self.row(columns, row) for row in sheet.rows(self.book, self.page, token))
        table = f"<thead data-search-exclude><tr><td></td>{head}</tr></thead><tbody>{body}</tbody>"
        return f'<div class="scroll" tabindex="0"><table class="sheet">{table}</table></div>'

    def row(self, columns: tuple[str, ...], row: sheet.Row) -> str:
        """A row of a sheet, searched for by its name; a cell knows its column's, for narrow screens."""
        cells = ["".join(self.quoted(row, formula) for formula in cell) for cell in row.cells]
        names = ", ".join(listing.reference(self.here, target) for target in row.code)
        cells += [re.sub(r"(?<=<code>)mlp\.\w+\.", "", names)]
        cells += [" ".join(self.tick(*each) for each in sheet.found(self.book, self.record, row))]
        pairs = zip(columns, cells, strict=True)
        shown = "".join(f'<td data-column="{name}" data-search-exclude>{cell}</td>' for name, cell in pairs)
        return f'<tr><th scope="row">{html.escape(row.name)}</th> {shown}</tr>'

    def quoted(self, row: sheet.Row, formula: Formula) -> str:
        """A formula of another page, linked to its place there."""
        place = listing.href(self.here, formula.around.page, formula.around.label)
        try:
            shown = typeset(sheet.inline(formula.tex))
        except TexError as error:
            remedy = rf"Let each \piece of {formula.around.page} be a formula by itself"
            raise self.page.error(row.line, f"TeX does not parse: {error}", remedy) from None
        words = html.escape(formula.around.words)
        return f'<a class="math" href="{place}" title="{words}">{shown}</a>'

    def tick(self, target: Target, said: str) -> str:
        """What the checks of a result found, linked to the first."""
        page, fence = self.book.checks[target.label][0]
        anchor = listing.href(self.here, page.address, self.book.check_anchor(fence))
        kind = "changed" if said == sheet.CHANGED else "tick"
        return f'<span class="{kind}"><a href="{anchor}" title="{target.words}">{said}</a></span>'

    # ---------------------------------------------------------------- statements and other blocks

    def open_statement(self, token: Open) -> str:
        """A numbered statement or exercise: its head, then its body as Markdown."""
        name = f"{noun(token.kind)} {self.book.number(self.page, token)}"
        title = f' <span class="title">{html.escape(token.argument)}</span>' if token.argument else ""
        button = ""
        if token.kind in STATEMENTS:
            proof = " with its proof" if self.book.proof_of(self.page, token) else ""
            button = _copy_button("latex", f"Copy the {token.kind}{proof} as LaTeX")
            export.statement(self.book, self.page, token)  # refuses what cannot be copied
        head = f'<p class="head"><span class="name">{name}</span>{title}{button}</p>'
        return _open("div", f"statement {token.kind}", token.label) + self.block(head)

    def close(self, opened: Open) -> str:
        """The end of a block; that of a statement says who checks it."""
        known = CLOSED.get(opened.kind)
        return f"{self.block(self.claim(opened))}\n</div>\n" if known is None else known

    def claim(self, statement: Open) -> str:
        """The checks of a result and what they found, as the record has it."""
        blocks = self.book.checks.get(statement.label, [])
        if not blocks:
            return ""
        fresh = self.record.claim(self.book, self.page, statement)
        found = [self.finding(*block) for block in blocks] if fresh else []
        stale = "The statement or its checks have changed since it was last checked."
        return f'<p class="claim">{" &middot; ".join(found) or stale}</p>'

    def finding(self, page: Page, fence: Fence) -> str:
        """What a check found, linked to its block."""
        entry = self.record.block(self.book, page, fence)
        assert entry, "a claim is entered only when its checks are"
        anchor = listing.href(self.here, page.address, self.book.check_anchor(fence))
        return f'<span class="tick"><a href="{anchor}">{entry.finding}</a></span>'

    def open_proof(self, token: Open) -> str:
        """A proof."""
        return _open("div", "proof") + self.block('<p class="head"><span class="name">Proof.</span></p>')

    def open_solution(self, token: Open) -> str:
        """A solution, folded."""
        return '\n\n<details class="solution" markdown="block">\n<summary>Solution</summary>\n\n'

    def open_aside(self, token: Open) -> str:
        """A note in the margin."""
        return _open("aside", "sidenote")

    def open_figure(self, token: Open) -> str:
        """A drawing, inlined so that the style sheet reaches it, and its caption."""
        named = f'<svg role="img" aria-label="{html.escape(token.options.get("alt", ""))}" '
        drawing = pictures.drawing(self.book, self.page, token).replace("<svg ", named, 1)
        return self.captioned(token, f'<div class="scroll" tabindex="0" data-search-exclude>{drawing}</div>')

    def open_explorer(self, token: Open) -> str:
        """The schedules, to be stepped through."""
        return self.interactive(token, "explorer.js", explorer.markup(token.options.get("alt", "")))

    def open_sweep(self, token: Open) -> str:
        """Both sweeps over the network by hand, to be stepped through."""
        network = sweep.by_hand(self.book)
        return self.interactive(token, "sweep.js", sweep.markup(*network, token.options.get("alt", "")))

    def interactive(self, token: Open, script: str, markup: str) -> str:
        """A figure with its script, and with what such scripts share."""
        assets = posixpath.relpath("assets", posixpath.dirname(self.here) or ".")
        scripts = (f'<script defer src="{assets}/{name}"></script>' for name in ("stepper.js", script))
        return self.captioned(token, markup + "".join(scripts))

    def captioned(self, token: Open, markup: str) -> str:
        """A figure as far as its caption."""
        number = self.book.number(self.page, token)
        caption = f'<figcaption markdown="span">\n<strong>Figure {number}.</strong> '
        return _open("figure", "drawing", token.label) + self.block(markup) + caption


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _open(tag: str, classes: str, label: str = "") -> str:
    identity = f' id="{label}"' if label else ""
    return f'\n\n<{tag} class="{classes}"{identity} markdown="block">\n\n'


def _copy_button(kind: str, title: str) -> str:
    names = f'title="{title}" aria-label="{title}"'
    return f'<button type="button" class="copy" data-copy="{kind}" {names}></button>'


def _output(text: str) -> str:
    aligned = " data-aligned" * bool(ALIGNED.search(text))
    return f'<pre class="output"{aligned}><code>{text}</code></pre>' if text else ""
