"""The one style sheet has what a page can meet, from wherever it came, and no more."""

import re

from weave import styles

THEME = """@charset "utf-8"; :root{--md-icon:url("data:image/svg+xml;charset=utf-8,<svg d='M1}{;'/>");
--md-seen:1px;
--md-far:var(--md-farther);--md-farther:2px}
.md-nav .md-here,.md-nav .md-gone{margin:var(--md-seen)}
.md-gone{color:red}
[dir=rtl] .md-nav{left:0}
[data-md-color-primary=teal]{color:teal}[data-md-color-scheme=slate]{color:white}
.md-search-result__item:not(.md-gone)>a[href],.md-nav:focus{top:0}
.md-nav:not(.focus-visible){outline:none}
@media print{.md-gone{color:red}}@media screen and (min-width:60em){.md-nav{left:1px}.md-gone{left:0}}
"""
PAGE = '<body data-md-color-scheme="slate"><nav class="md-nav x"><b class="md-here"></b></nav>'
SCRIPT = 'element.classList.add("md-nav--open")'


def reduced(css: str, folder: str = "") -> str:
    return styles.sheet([(css, folder)], [PAGE], [SCRIPT], 'h("li", "md-search-result__item")')


def test_a_rule_stays_for_what_is_on_a_page_or_in_a_script() -> None:
    found = reduced(THEME)
    assert ".md-nav .md-here{margin:var(--md-seen)}" in found and "md-gone{" not in found
    assert ".md-search-result__item:not(.md-gone)>a[href],.md-nav:focus{top:0}" in found
    assert "@media screen and (min-width:60em){.md-nav{left:1px}}" in found and "print" not in found
    assert "rtl" not in found and "teal" not in found and "[data-md-color-scheme=slate]{color:white}" in found
    assert ".md-nav:not(:focus-visible){outline:none}" in found and "charset" not in found
    assert reduced(".md-nav--open{top:0}") == ".md-nav--open{top:0}"


def test_variables_go_with_the_last_that_asks_for_them() -> None:
    found = reduced(THEME)
    assert re.search(r":root\{\s*--md-seen:1px;\s*\}", found)
    assert "svg" not in found and "--md-far" not in found


def test_addresses_are_those_of_the_folder_above() -> None:
    css = "@font-face{src:url(fonts/a.woff2)}.x{mask:url('data:image/svg+xml,<a/>')}"
    assert "url(vendor/fonts/a.woff2)" in reduced(css, "vendor/") and 'url("data:' in reduced(css, "vendor/")


def test_a_group_of_groups_and_keyframes() -> None:
    css = "@supports (a:b){@media screen{.x{top:0}.gone{top:0}}}@keyframes k{from{opacity:0}}/* no */"
    assert reduced(css) == "@supports (a:b){@media screen{.x{top:0}}}@keyframes k{from{opacity:0}}"
