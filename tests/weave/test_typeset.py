"""Formulas: what KaTeX refuses, what the book's macros become on a page and in what readers copy."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from weave import typeset as module
from weave.typeset import TexError, expand, preamble, typeset


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test typesets for itself."""
    monkeypatch.setattr(module, "CACHE", tmp_path)
    return tmp_path


def copied(markup: str) -> str:
    """The TeX that a page offers for copying."""
    found = re.search(r'data-tex="([^"]*)"', markup)
    assert found
    return html.unescape(found[1])


def kept(cache: Path) -> list[Path]:
    """The files of the cache."""
    return [path for path in cache.rglob("*") if path.is_file()]


# ---------------------------------------------------------------- typesetting


def test_a_formula_has_html_for_the_eye_and_mathml_for_the_ear() -> None:
    markup = typeset(r"Z = W X + b \ones\T", display=True)
    assert 'class="katex-display math"' in markup and "<math " in markup and 'display="block"' in markup
    assert "katex-display" not in typeset("Z", display=False)


@pytest.mark.parametrize(
    ("tex", "words", "position"),
    [
        (r"a + \Wt{X}", "Undefined control sequence", 4),
        (r"x^{2", "Expected '}'", 4),
        (r"\frac{1}", "Unexpected end of input", None),
        ("\u00e9 + 1", "strict", 0),
        (r"\href{/a}{b}", r"\href is not allowed", None),
        (r"\htmlId{a}{b}", r"\htmlId is not allowed", None),
        (r"a \htmlClass{role-weight}{b}", "expected a role or term", 2),
        (r"a \textcolor{red}{b}", r"expected a role or term of macros.toml, got \textcolor", 2),
        (r"W^\T^\T", "Expected group after '^'", 1),
        (r"W\T\T", "Double superscript", None),
    ],
)
def test_bad_tex_is_an_error_that_says_where(tex: str, words: str, position: int | None) -> None:
    with pytest.raises(TexError, match=re.escape(words)) as caught:
        typeset(tex, display=False)
    if position is not None:
        assert caught.value.position == position
        assert f"character {position + 1}" in str(caught.value)


def test_the_node_process_survives_a_bad_formula() -> None:
    with pytest.raises(TexError):
        typeset(r"\nonsense", display=False)
    process = module._node().process
    typeset("after it", display=False)
    assert module._node().process is process and process.poll() is None


@pytest.mark.parametrize(
    ("macro", "css"),
    [("wt", "role-weight"), ("act", "role-activation"), ("adj", "role-adjoint"), ("ckpt", "role-checkpoint")],
)
def test_a_role_is_a_class_on_the_page_and_nothing_in_what_is_copied(macro: str, css: str) -> None:
    markup = typeset(rf"\{macro}{{x_k}} + 1", display=False)
    assert re.search(rf'class="[^"]*\b{css}\b', markup)
    assert copied(markup) == "x_k + 1"


@pytest.mark.parametrize(
    "tex", [r"\left(\wt{W}_{k+1}\T \adj{\Delta_k}\right)", r"\frac{\wt{W}_k}{\wt{-x}} + \ckpt{f}_1'"]
)
def test_a_role_moves_nothing(tex: str) -> None:
    """Without its classes the picture of a coloured formula is the plain formula's, to the last margin."""
    coloured, plain = (typeset(each, display=True).split("katex-html")[1] for each in (tex, expand(tex)))
    assert "role-" in coloured
    assert "color" not in coloured
    assert re.sub(r" role-\w+", "", coloured) == plain


def test_a_term_is_an_element_with_its_roles_inside() -> None:
    markup = typeset(r"\termpull{\wt{W}\T \adj{\Delta}} + 1", display=True)
    assert re.search(r'<span class="enclosing term-pull">.*role-weight.*role-adjoint', markup)
    assert copied(markup) == r"W^{\mathsf{T}} \Delta + 1"


def test_what_is_copied_is_the_expanded_formula_escaped() -> None:
    tex = r"\begin{aligned} \adj{\Delta} &< \had \\ &= 1 \end{aligned}".replace(r"\had", "2")
    markup = typeset(tex, display=True)
    assert copied(markup) == expand(tex) != tex
    assert "&amp;&lt; 2" in markup


@pytest.mark.parametrize(
    ("tex", "html"),
    [
        (r"\wt{W_k}", '<msub class="role-weight"><mi>W</mi><mi>k</mi></msub>'),
        (
            r"x^{-1}",
            '<msup><mi>x</mi><mrow><mo rspace="0em" lspace="0em">\u2212</mo><mn>1</mn></mrow></msup>',
        ),
        (r"W\ones", '<mi class="leans">W</mi><mn class="bold">1</mn>'),
        (r"a = -1", '<mi>a</mi><mo>=</mo><mo rspace="0em" lspace="0em">\u2212</mo><mn>1</mn>'),
        (
            r"\max_i 1",
            '<msub class="before">'
            '<mrow><mi class="up">max</mi><mo>\u2061</mo></mrow><mi>i</mi></msub><mn>1</mn>',
        ),
        (r"2\log n", '<mn>2</mn><mi class="up after before">log</mi><mo>\u2061</mo><mi>n</mi>'),
    ],
)
def test_a_short_line_of_letters_is_mathml_alone(tex: str, html: str) -> None:
    markup = typeset(tex, display=False)
    assert markup == f'<math class="math" data-search-exclude="" data-tex="{expand(tex)}">{html}</math>'


@pytest.mark.parametrize(
    "tex",
    [r"\frac12", r"\sqrt x", r"\bar x", r"\sum_i x", r"\bigl(x\bigr)", r"\mathcal{C}", "a + " * 7 + "a"],
)
def test_what_katex_draws_better_stays_its_own(tex: str) -> None:
    markup = typeset(tex, display=False)
    assert (
        markup.startswith('<var class="katex math"') and "katex-html" in markup and "annotation" not in markup
    )


def test_a_formula_is_typeset_once(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = typeset(r"\R^n", display=False)
    assert len(kept(empty_cache)) == 1
    monkeypatch.setattr(module, "_node", lambda: pytest.fail("typeset again"))
    assert typeset(r"\R^n", display=False) == first


def test_the_cache_tells_versions_apart(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert typeset("x", display=False) != typeset("x", display=True)
    monkeypatch.setattr(module, "_versions", lambda: "another KaTeX")
    typeset("x", display=False)
    assert len(kept(empty_cache)) == 3


def test_a_bad_formula_is_not_kept(empty_cache: Path) -> None:
    with pytest.raises(TexError):
        typeset(r"\nonsense", display=False)
    assert not list(empty_cache.iterdir())


def test_without_katex_the_error_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KATEX", tmp_path / "katex")
    module._versions.cache_clear()
    with pytest.raises(FileNotFoundError, match="make"):
        typeset("x", display=False)


# ---------------------------------------------------------------- expansion


@pytest.mark.parametrize(
    ("tex", "plain"),
    [
        (r"x \in \R^n", r"x \in \mathbb{R}^n"),
        (r"\R n", r"\mathbb{R} n"),
        (r"\Rn", r"\Rn"),
        (r"A\had B", r"A\odot B"),
        (r"A\had\wt{W}", r"A\odot W"),
        (r"\vect\act{X}", r"\operatorname{vec}X"),
        (r"W\T \Delta", r"W^{\mathsf{T}} \Delta"),
        (r"\inner{a}{b}", r"\langle a, b\rangle"),
        (r"\inner ab c", r"\langle a, b\rangle c"),
        (r"\inner {a} {b}", r"\langle a, b\rangle"),
        (r"\inner{\wt{W}}{\inner{\act{x}}{y}}", r"\langle W, \langle x, y\rangle\rangle"),
        (r"\norm{\R}c", r"\lVert \mathbb{R}\rVert c"),
        (r"\wt{W}_k", r"W_k"),
        (r"\wt{W_k}_j", r"{W_k}_j"),
        (r"\wt{W_k} \T", r"{W_k} ^{\mathsf{T}}"),
        (r"\wt{\wt{W}_k}^2", r"{W_k}^2"),
        (r"\adj{\Delta}'", r"\Delta'"),
        (r"x_\R", r"x_{\mathbb{R}}"),
        (r"\hat\ones", r"\hat{\mathbf{1}}"),
        (r"a \\ \R", r"a \\ \mathbb{R}"),
        (r"\\R", r"\\R"),
        (r"\{\R\}", r"\{\mathbb{R}\}"),
        ("a % \\R{\nb", "a % \\R{\nb"),
        (r"\text{no macro}  \quad", r"\text{no macro}  \quad"),
        ("", ""),
    ],
)
def test_expansion(tex: str, plain: str) -> None:
    assert expand(tex) == plain


@pytest.mark.parametrize(
    ("tex", "words"),
    [
        (r"\inner{a}", r"\inner takes 2 arguments"),
        (r"{\wt}", r"\wt takes 1 argument,"),
        (r"\wt{a", r"the argument of \wt has no closing brace"),
    ],
)
def test_a_missing_argument_is_an_error(tex: str, words: str) -> None:
    with pytest.raises(TexError, match=re.escape(words)):
        expand(tex)


@pytest.mark.parametrize(
    "tex", [r"\wt{W_k}_j + \inner{\act{X}}{\norm{y}}^2 \had\ones", r"\argmin_x \pd{L}{\wt{W}}\T"]
)
def test_expansion_looks_the_same(tex: str) -> None:
    """Both are typeset alike, the colour's own spans left out."""
    seen = [re.sub(r"(?s)<math.*?</math>|<[^>]*>", "", typeset(each, True)) for each in (tex, expand(tex))]
    assert seen[0] == seen[1]


def test_every_macro_is_typeset_and_expands_to_no_macro_of_ours() -> None:
    for name, text in module._definitions().items():
        tex = "x" + name + "{a}" * module._arity(text)
        assert "katex-html" in typeset(tex, display=True)
        assert not set(re.findall(r"\\[A-Za-z]+", expand(tex))) & set(module._definitions())


def test_the_preamble_defines_every_macro_once() -> None:
    lines = preamble().splitlines()
    assert [re.findall(r"\\[A-Za-z]+", line)[1] for line in lines] == list(module._definitions())
    assert r"\newcommand{\R}{\mathbb{R}}" in lines
    assert r"\newcommand{\inner}[2]{\langle #1, #2\rangle}" in lines
    assert r"\newcommand{\wt}[1]{{#1}}" in lines
