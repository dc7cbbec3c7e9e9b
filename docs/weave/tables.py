"""Tables on paper: columns as wide as what they hold, or, where a line has no room for that, as it can be."""

import re

from weave.export import unbracketed

LETTERS, WIDEST = 78, 40  # of text in a line; of a column that has to share it
COMMAND = re.compile(  # no letters
    r"\\(?:operatorname|math\w+|text\w*|[td]?frac|left|right|displaystyle)\b"
    r"|\\(?:begin|end)\{\w+\}|[{}$^_&]"
)
LETTER = re.compile(r"\\(?:[a-zA-Z]+|.)\s*")
FORMULA = re.compile(r"\$[^$]*(?:\$|$)")


def table(rows: list[list[str]], letters: int = LETTERS) -> str:
    """Rows, the first of which is the head, as a table that may break across pages; `letters` fill a line."""
    lines = [unbracketed(" & ".join(row)) + r" \\" for row in rows]
    body = "\n".join([r"\toprule", lines[0], r"\midrule\endhead", *lines[1:], r"\bottomrule"])
    columns = _columns([list(column) for column in zip(*rows, strict=True)], letters)
    return f"\\begin{{longtable}}{{@{{}}{columns}@{{}}}}\n{body}\n\\end{{longtable}}"


def _columns(columns: list[list[str]], letters: int) -> str:
    r"""The columns' widths: none given if all fit; else each has its longest word, and a share of the rest.

    A column without a width does not break its lines, at \par neither.
    """
    room = letters - 3 * len(columns)
    wanted = [max(length for cell in column for length in _lines(cell)) for column in columns]
    if sum(wanted) <= room and not any("\\par" in cell for column in columns for cell in column):
        return "l" * len(columns)
    least = [max(length for cell in column for length in _words(cell)) for column in columns]
    wanted = [max(low, min(high, WIDEST)) for low, high in zip(least, wanted, strict=True)]
    rest = max(0, room - sum(least)) / max(1, sum(wanted) - sum(least))
    widths = [low + rest * (high - low) for low, high in zip(least, wanted, strict=True)]
    line = f"\\dimexpr\\linewidth-{2 * len(columns) - 2}\\tabcolsep\\relax"
    shares = (width / sum(widths) for width in widths)
    return "".join(f">{{\\raggedright\\arraybackslash}}p{{{share:.3f}{line}}}" for share in shares)


def _lines(cell: str) -> list[float]:
    """About how many letters each line of a cell has."""
    return [_width(line) for line in re.split(r"\\par|\\\\", cell)]


def _words(cell: str) -> list[float]:
    """About how many letters each word of a cell has; a formula is a word."""
    joined = FORMULA.sub(lambda formula: formula[0].replace(" ", ""), cell)
    return [width for word in joined.split() for width in _lines(word)] or [1]


def _width(tex: str) -> float:
    """About how many letters are as wide: those of formulas are narrow, those of code wide."""
    formulas = sum(len(LETTER.sub("x", COMMAND.sub("", found))) for found in FORMULA.findall(tex))
    rest = len(LETTER.sub("x", COMMAND.sub("", FORMULA.sub("", tex))))
    return 0.72 * formulas + rest * (1.15 if "texttt" in tex else 1)
