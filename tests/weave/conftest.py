"""A book of one chapter in a folder of its own, for planting mistakes in."""

from collections.abc import Callable
from pathlib import Path

import pytest
from markdown import Markdown
from markdown.preprocessors import Preprocessor

from weave.book import Book
from weave.extension import Weaver

CHAPTER = """---
title: One
---
# One

Text with $a^2$, [](#eq:one) and [@chen2016, section 2].

::: theorem | Doubling
label: thm:one

Twice $a$ is

$$
2a = a + a. \\label{eq:one}
$$
:::

::: proof

By [](#eq:one), *twice*. See `mlp`.
:::

```python check=thm:one
residuals = [abs(2 * a - (a + a)) for a in range(3)]
assert max(residuals) < 1e-12
```

::: listing | mlp.code.double
implements: eq:one
:::
"""
SOURCE = '''"""Code."""


def double(a):
    """Twice a."""
    if a is None:
        raise ValueError("expected a number")
    twice = a + a
    return twice
'''
ENTRY = """@article{chen2016,
  author = {Chen, Tianqi and Xu, Bing and Zhang, Chiyuan}, title = {Training Deep Nets},
  year = {2016}, journal = {arXiv}
}
"""
RESULTS = """{
"about": {"mlp": "another", "date": "2022-06-01", "command": "bench", "processor": "abacus", "cores": 1,
    "threads": "1", "python": "3", "versions": {"numpy": "2"}},
"seconds": 0.25,
"rows": [
    {"planner": "uniform", "time": 1.5},
    {"planner": "two words, and more", "time": 2.5, "like": "uniform"}
]
}
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Book]:
    """A function that writes the book, with replacements made in its chapter, and reads it."""

    def write(old: str = "", new: str = "", source: str = SOURCE) -> Book:
        assert old in CHAPTER
        for name, text in {
            "mkdocs.yml": "site_name: A book\nnav: [{Part: [one.md]}]\n",
            "docs/one.md": CHAPTER.replace(old, new, 1) if old else CHAPTER,
            "docs/references.bib": ENTRY,
            "docs/bench/results/epoch.json": RESULTS,
            "mlp/code.py": source,
        }.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return Book(tmp_path)

    return write


@pytest.fixture
def weave() -> Callable[..., str]:
    """A function that renders a page of such a book, its chapter if none is named."""

    def render(book: Book, address: str = "one.md") -> str:
        md = Markdown(extensions=["attr_list", "md_in_html"])
        weaver = Weaver(md, book, address, book.pages[address])

        class Woven(Preprocessor):
            def run(self, lines: list[str]) -> list[str]:
                return weaver.woven().split("\n")

        md.preprocessors.register(Woven(md), "weave", 28)
        return md.convert("text")

    return render
