"""One style sheet of five, and of their rules those that a page of the site can meet.

The theme's sheet is for every site there can be: four fifths of it concern what this one does not have. A
rule stays if each class that its selector asks for is on some page or is named in a script of the site.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import tinycss2

WITHIN = re.compile(r"\([^()]*\)")  # what stands in :not(...), :is(...), :has(...) is left alone
CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
COLOUR = re.compile(r'\[data-md-color-\w+="?([\w-]+)"?\]')
NAMED = re.compile(r'\b(?:class|data-md-color-\w+)="([^"]*)"')
WORD = re.compile(r"[A-Za-z_][\w-]*")
QUOTED = r"""[^"'()]|"[^"]*"|'[^']*'"""
VALUE = rf"""(?:[^;{{}}"'()]|"[^"]*"|'[^']*'|\((?:{QUOTED}|\((?:{QUOTED})*\))*\))*"""
DECLARED = re.compile(rf"(--md-[\w-]+):{VALUE}(?:;|(?=\}}))")
VARIABLE = re.compile(r"var\(\s*(--[\w-]+)")
SEARCH = re.compile(r"md-search[\w-]*")  # of the theme's script only this part runs
RELATIVE = re.compile(r"url\((['\"]?)(?!data:|#)([^)'\"]+)\1\)")
GROUPS = ("media", "supports")


def sheet(parts: Iterable[tuple[str, str]], pages: Iterable[str], scripts: Iterable[str], theme: str) -> str:
    """The sheets `parts`, each with the folder that its addresses start from, as one for `pages`.

    `scripts` are the site's own; `theme` is the theme's.
    """
    known = set(SEARCH.findall(theme)).union(*(WORD.findall(script) for script in scripts))
    for page in pages:
        known.update(name for names in set(NAMED.findall(page)) for name in names.split())
    return _without_idle_variables("".join(_reduced(css, folder, known) for css, folder in parts))


def _reduced(css: str, folder: str, known: set[str]) -> str:
    """A sheet with the rules that stay, its addresses as they are from the folder above `folder`."""
    css = css.replace(".focus-visible", ":focus-visible")  # a class for browsers that did not know it
    css = RELATIVE.sub(rf"url({folder}\2)", css) if folder else css
    nodes = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    return "".join(_rules(nodes, known))


def _rules(nodes: Iterable[Any], known: set[str]) -> Iterator[str]:
    """The rules that stay, as short as they can be written without being understood."""
    for node in nodes:
        if node.type == "at-rule" and node.lower_at_keyword in GROUPS:
            inner = tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True)
            if text := "".join(_rules(inner, known)):
                yield f"@{node.at_keyword} {_short(node.prelude)}{{{text}}}"
        elif node.type == "at-rule" and node.lower_at_keyword != "charset":
            body = ";" if node.content is None else f"{{{_short(node.content)}}}"
            yield f"@{node.at_keyword} {_short(node.prelude)}{body}"
        elif node.type == "qualified-rule":
            kept = [each for each in _selectors(node.prelude) if _can_match(each, known)]
            if kept:
                yield f"{','.join(kept)}{{{_short(node.content)}}}"


def _short(tokens: Iterable[Any]) -> str:
    """Tokens as text, comments gone and each space one."""
    text = "".join(
        " " if token.type == "whitespace" else token.serialize()
        for token in tokens
        if token.type != "comment"
    )
    return text.strip()


def _selectors(prelude: Iterable[Any]) -> list[str]:
    """The selectors that a rule is for."""
    groups = groupby(prelude, lambda token: bool(token == ","))
    return [_short(one) for comma, one in groups if not comma]


def _can_match(selector: str, known: set[str]) -> bool:
    if "[dir=rtl]" in selector:
        return False
    while WITHIN.search(selector):
        selector = WITHIN.sub("", selector)
    return known.issuperset(CLASS.findall(selector)) and known.issuperset(COLOUR.findall(selector))


def _without_idle_variables(css: str) -> str:
    """The sheet without the theme's variables that nothing asks for, nor what only those ask for."""
    while True:
        used = set(VARIABLE.findall(css))
        idle = {name for name in DECLARED.findall(css) if name not in used}
        shorter = DECLARED.sub(lambda found: "" if found[1] in idle else found[0], css)  # noqa: B023
        if shorter == css:
            return css
        css = shorter
