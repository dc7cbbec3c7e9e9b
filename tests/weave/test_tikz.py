"""Drawings on paper: each thing that figures are made of is translated, and what is not known is named."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from weave import tikz
from weave.book import ROOT

FIGURES = sorted(path for path in (ROOT / "docs" / "figures").glob("*.svg") if path.stem != "cover")


def drawn(markup: str, chart: bool = False) -> str:
    """What becomes of some elements, without the frame around them."""
    picture = tikz.picture(f'<svg viewBox="0 0 100 50">{markup}</svg>', chart)
    return "\n".join(picture.splitlines()[2:-1])


def letters(text: str, size: float = 16, family: str = "rm") -> str:
    """A part of a text that is neither raised nor lowered."""
    size = tikz.number(size * tikz.UNIT)
    return f"\\raisebox{{0pt}}{{\\fontsize{{{size}pt}}{{{size}pt}}\\{family}family\\selectfont {text}}}"


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ('<rect x="1" y="2" width="3" height="4"/>', "(1,2) rectangle ++(3,4)"),
        ('<circle cx="1.5" cy="2" r="3"/>', "(1.5,2) circle[radius=3]"),
        ('<ellipse cx="1" cy="2" rx="3" ry="4"/>', "(1,2) ellipse[x radius=3,y radius=4]"),
        ('<line x1="1" y1="2" x2="3" y2="-4"/>', "(1,2) -- (3,-4)"),
        ('<polyline points="1,2 3,4 5 -6"/>', "(1,2) -- (3,4) -- (5,-6)"),
        ('<polygon points="1,2 3,4 5,6"/>', "(1,2) -- (3,4) -- (5,6) -- cycle"),
        ('<path d="M1 2h3v-4z"/>', 'svg "M1 2h3v-4z"'),
    ],
)
def test_a_shape_stands_where_it_stood(markup: str, expected: str) -> None:
    assert drawn(markup) == f"\\path[fill=black] {expected};"


def test_fill_and_line_are_the_style_sheets() -> None:
    rect = '<rect {} x="1" y="2" width="3" height="4" rx="10"/>'
    role = 'class="role-weight" fill="currentColor" fill-opacity=".4" stroke="currentColor" stroke-width="2"'
    assert drawn(rect.format(role)) == (
        "\\path[fill=weight,fill opacity=.4,draw=weight,line width=1.48pt,rounded corners=7.4pt] "
        "(1,2) rectangle ++(3,4);"
    )
    line = 'class="line" stroke-dasharray="5 4" stroke-linejoin="round" stroke-opacity=".5"'
    assert drawn(f'<path {line} d="M0 0h9"/>') == (
        "\\path[draw=quiet,draw opacity=.5,line width=0.74pt,dash pattern=on 3.7pt off 2.96pt,"
        'line join=round] svg "M0 0h9";'
    )
    assert drawn('<path fill="none" d="M0 0h9"/>') == ""
    assert "fill=paper" in drawn('<circle cx="1" cy="2" r="3" style="fill: var(--paper)"/>')


def test_attributes_give_way_to_classes_and_these_to_a_style() -> None:
    assert "draw=quiet" in drawn('<path class="line" stroke="currentColor" d="M0 0h9"/>')
    assert "draw=weight" in drawn('<path class="line" style="stroke: var(--role-weight)" d="M0 0h9"/>')
    inherited = '<g class="role-adjoint" stroke="currentColor"><path class="role-weight" d="M0 0h9"/></g>'
    assert "draw=weight" in drawn(inherited)


def test_groups_are_moved_scaled_and_clipped() -> None:
    moved = drawn('<g transform="translate(3 4) scale(2)"><path stroke="currentColor" d="M0 0h9"/></g>')
    assert moved.startswith("\\begin{scope}[shift={(3,4)},scale=2]\n") and "line width=1.48pt" in moved
    clip = '<defs><clipPath id="c"><rect x="0" y="0" width="9" height="8"/></clipPath></defs>'
    clipped = drawn(f'{clip}<g clip-path="url(#c)"><circle cx="1" cy="2" r="3"/></g>')
    assert clipped.splitlines()[:2] == ["\\begin{scope}[]", "\\clip (0,0) rectangle ++(9,8);"]


def test_words_are_set_in_their_font_at_their_anchor() -> None:
    for anchor, node in (("start", "base west"), ("middle", "base"), ("end", "base east")):
        text = drawn(f'<text class="label" x="1" y="2" text-anchor="{anchor}">a_b</text>')
        assert text == (
            f"\\node[anchor={node},inner sep=0pt,text=quiet] at (1,2) {{{letters('a{}_b', 13, 'rm')}}};"
        ).replace("{}_", "\\_")
    assert "\\rmfamily" in drawn('<text class="label" x="1" y="2">a</text>', chart=True)
    turned = drawn('<text transform="translate(3 4) rotate(-90)">a</text>')
    assert "[shift={(3,4)},rotate=-90]" in turned and "rotate=90.0] at (0,0)" in turned


def test_letters_that_lean_are_mathematics_and_scripts_are_lowered() -> None:
    low = (
        '<tspan dx="1" dy="5" font-size="10" font-style="normal">1</tspan><tspan dy="-5">, b\N{PRIME}</tspan>'
    )
    text = drawn(f'<text class="math" x="1" y="2" font-size="20">XW{low} \N{GREEK PHI SYMBOL}</text>')
    expected = (
        r"\raisebox{0pt}{\fontsize{14.8pt}{14.8pt}\rmfamily\selectfont ${X}{W}$}"
        r"\kern0.74pt\raisebox{-3.7pt}{\fontsize{7.4pt}{7.4pt}\rmfamily\selectfont 1}"
        r"\raisebox{0pt}{\fontsize{14.8pt}{14.8pt}\rmfamily\selectfont ,~${b}{\prime}$}"
        r"\raisebox{0pt}{\fontsize{14.8pt}{14.8pt}\rmfamily\selectfont ~${\phi}$}"
    )
    assert expected in text


def test_bars_have_their_patterns_and_arrows_their_tips() -> None:
    pattern = '<pattern id="p"><path fill-opacity=".4" d="M0 0h6v6h-6z"/><path d="M0 6L6 0"/></pattern>'
    bar = drawn(f'<g class="role-weight">{pattern}<path fill="url(#p)" d="M0 0h9v9z"/></g>')
    assert "fill=weight,fill opacity=.4,postaction={pattern=north east lines,pattern color=weight" in bar
    marker = f'<defs><marker id="t"><path d="{tikz.TIP}"/></marker></defs>'
    assert "-{Straight Barb" in drawn(f'{marker}<path class="line" marker-end="url(#t)" d="M0 0h9"/>')


@pytest.mark.parametrize(
    ("markup", "named"),
    [
        ('<image x="1"/>', "<image"),
        ('<path d="M0 0" mask="url(#m)"/>', "'mask'"),
        ('<path d="M0 0" class="nobody"/>', "'nobody'"),
        ('<path d="M0 0" style="filter: blur(2px)"/>', "'filter'"),
        ('<path d="M0 0" fill="hotpink"/>', "'hotpink'"),
        ('<path d="M0 0" fill="url(#nowhere)"/>', "url(#nowhere)"),
        ('<g transform="skewX(3)"/>', "skewX(3)"),
        ('<text font-family="Comic Sans">a</text>', "Comic Sans"),
        ("<text>\N{SNOWMAN}</text>", "\N{SNOWMAN}"),
        ("<text><a>b</a></text>", "<a>"),
        ('<circle cx="1" cy="2"/>', "'r'"),
    ],
)
def test_what_is_not_known_is_named(markup: str, named: str) -> None:
    with pytest.raises(tikz.UnknownError, match=re.escape(named)):
        drawn(markup)


@pytest.mark.parametrize("path", FIGURES, ids=lambda path: path.stem)
def test_every_figure_can_be_drawn(path: object) -> None:
    picture = tikz.picture(path.read_text(encoding="utf-8"))
    assert picture.count("\\begin{scope}") == picture.count("\\end{scope}")
    assert picture.count("{") == picture.count("}")


@pytest.mark.parametrize("name", ["product-rule", "backward-flow"])
def test_no_coordinate_of_a_figure_is_dropped(name: str) -> None:
    """Whatever number of whatever element is falsified, the drawing is another."""
    root = ElementTree.fromstring((ROOT / "docs" / "figures" / f"{name}.svg").read_text(encoding="utf-8"))
    for node in root.iter():
        node.tag = node.tag.split("}")[1]
    kept = tikz.picture(ElementTree.tostring(root, encoding="unicode"))
    drawn = [node for node in root.iter() if node.tag in {*tikz.SHAPES, "text", "tspan"}]
    inner = {child for marker in root.iter("marker") for child in marker}
    for node in (node for node in drawn if node not in inner):
        for attribute in {"x", "y", "dx", "dy", "cx", "cy", "r", "width", "height", "d", "points"} & {
            *node.attrib
        }:
            right = node.attrib[attribute]
            node.attrib[attribute] = re.sub(r"\d+", lambda digits: str(int(digits[0]) + 1), right, count=1)
            assert tikz.picture(ElementTree.tostring(root, encoding="unicode")) != kept, (
                node.attrib,
                attribute,
            )
            node.attrib[attribute] = right
