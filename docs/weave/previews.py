"""Previews: what a reference leads to, cut out of the finished page, for the card that shows it in place."""

import json
import re

from weave.book import Book

BUTTON = re.compile(r"<button\b.*?</button>", re.DOTALL)
MATHML = re.compile(r'<span class="katex-mathml">.*?</math></span>', re.DOTALL)
TAG = re.compile(r"<(\w+)\b[^>]*>")
IDENTITY = re.compile(r' id="[^"]*"')
TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
NOTATION = "notation.md"  # its tables are the card that opens on every page
LONGEST = 60_000  # characters; a card is no page


def script(book: Book, address: str, html: str) -> str:
    """The script of a page's previews: the numbered things and listings that other places may refer to."""
    wanted = [
        label for label, target in book.labels.items() if target.page == address and target.kind != "section"
    ]
    if address.endswith("bibliography.md"):
        wanted = [f"bib-{key}" for key in book.bibliography.entries]
    found = {label: cut for label in wanted if (cut := element(html, label)) and len(cut) < LONGEST}
    if address == NOTATION:
        found["card"] = MATHML.sub("", "".join(TABLE.findall(html)))
    return (
        f"(window.bookPreviews ??= {{}})[{json.dumps(address.removesuffix('.md'))}] = {json.dumps(found)};\n"
    )


def element(html: str, identity: str) -> str:
    """The element with this id, without its buttons, its ids and what only a screen reader reads."""
    at = html.find(f' id="{identity}"')
    opening = TAG.match(html, html.rfind("<", 0, at)) if at > 0 else None
    if opening is None:
        return ""
    depth, tags = 0, re.compile(rf"<(/?){opening[1]}\b")
    for tag in tags.finditer(html, opening.start()):
        depth += -1 if tag[1] else 1
        if depth == 0:
            cut = html[opening.start() : html.index(">", tag.start()) + 1]
            return IDENTITY.sub("", MATHML.sub("", BUTTON.sub("", cut)))
    return ""
