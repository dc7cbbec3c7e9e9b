"""The bibliography: entries of one .bib file, how they are cited and how they are printed."""

import codecs
import html
import re
from functools import cache, cached_property
from pathlib import Path

import latexcodec  # noqa: F401  (registers the codec)
from pybtex.database import Entry, Person, parse_file

PAGE = "reference/bibliography.md"


class Bibliography:
    """The entries of the .bib file at `path`, by key."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8") if path.exists() else ""

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """Every entry, by its key."""
        return dict(parse_file(str(self.path), "bibtex").entries) if self.text else {}

    def written(self, key: str) -> str:
        """An entry as the file has it."""
        entries = re.split(r"^(?=@)", self.text, flags=re.MULTILINE)
        begins = re.compile(rf"@\w+\{{\s*{re.escape(key)}\s*,")
        return next(filter(begins.match, entries)).strip() + "\n"

    def cited_as(self, key: str, locator: str = "") -> str:
        """How a citation reads in the text: "Griewank & Walther 2000, section 3"."""
        entry = self.entries[key]
        names = [_last(person) for person in entry.persons["author"]]
        who = f"{names[0]} et al." if len(names) > 2 else " & ".join(names)
        return f"{who} {entry.fields['year']}" + (f", {locator}" if locator else "")

    def printed(self, key: str) -> str:
        """An entry as HTML: authors, title, where and when, link."""
        entry = self.entries[key]
        fields = {name: html.escape(_plain(value)) for name, value in entry.fields.items()}
        who = ", ".join(
            html.escape(" ".join([*map(_plain, (*person.first_names, *person.middle_names)), _last(person)]))
            for person in entry.persons["author"]
        )
        volume = fields.get("volume", "") + (f"({fields['number']})" if "number" in fields else "")
        holders = ("journal", "booktitle", "publisher", "school")
        where = [f"<em>{fields[name]}</em>" for name in holders if name in fields]
        where += filter(None, [volume, fields.get("pages", ""), fields["year"], fields.get("note", "")])
        links = {"doi": "https://doi.org/{}", "eprint": "https://arxiv.org/abs/{}", "url": "{}"}
        known = next((name for name in links if name in fields), "")
        link = f' <a href="{links[known].format(fields[known])}">{fields[known]}</a>.' if known else ""
        title = fields["title"] + ("" if fields["title"].endswith("?") else ".")
        return f"{who}. {title} {', '.join(where).removesuffix('.')}.{link}"


def _last(person: Person) -> str:
    return " ".join(_plain(name) for name in (*person.prelast_names, *person.last_names))


@cache
def _plain(text: str) -> str:
    """A field without its braces, TeX's accents and dashes as characters."""
    # The stubs of codecs know the text-to-text codecs of the standard library only, not a registered one.
    plain: str = codecs.decode(text, "ulatex")  # type: ignore[call-overload]
    return re.sub(r"[{}]", "", plain)
