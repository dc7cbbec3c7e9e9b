"""The drawings of figures: files, and what `mlp` plans: layers upward, steps to the right."""

import ast
from typing import Any

from mlp import schedules
from mlp.schedules import Advance, Reverse, Schedule, depth, walk
from weave.book import Book
from weave.scan import Open, Page

CELL, LEFT, BOTTOM = 11, 26, 20


def planned(call: str) -> Schedule:
    """The schedule that a call of a planner such as `binomial(10, slots=3)` makes; arguments are literals."""
    node = ast.parse(call, mode="eval").body
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise ValueError(f"expected a call of a planner of mlp.schedules, got {call!r}")
    planner = getattr(schedules, node.func.id, None)
    if planner is None:
        raise ValueError(f"mlp.schedules has no planner {node.func.id!r}")
    named: dict[str, Any] = {str(word.arg): ast.literal_eval(word.value) for word in node.keywords}
    made: Schedule = planner(*map(ast.literal_eval, node.args), **named)
    return made


def drawing(book: Book, page: Page, token: Open) -> str:
    """The SVG of a figure: a file, or a schedule in space and time."""
    if "schedule" in token.options:
        try:
            return space_time(planned(token.options["schedule"]))
        except (ValueError, TypeError, SyntaxError) as error:
            remedy = "Write for example 'schedule: binomial(10, slots=3)'"
            raise page.error(token.line, str(error).rstrip("."), remedy) from None
    path = book.root / "docs" / token.options.get("svg", "")
    if not path.is_file():
        problem = f"there is no drawing {token.options.get('svg')!r}"
        raise page.error(token.line, problem, "Name a file under docs/ in 'svg: '")
    return path.read_text(encoding="utf-8")


def space_time(schedule: Schedule) -> str:
    """The picture as SVG.

    Filled squares are evaluations, hollow ones repeat an earlier one, bars are kept states, triangles are
    reversals.
    """
    n, steps = depth(schedule), [(step.action, frozenset(step.states)) for step in walk(schedule)]
    width, height = LEFT + CELL * len(steps) + 4, CELL * (n + 1) + BOTTOM
    parts = [*grid(n, len(steps)), *bars(n, steps)]
    seen: set[int] = set()
    for time, (action, _) in enumerate(steps):
        x = LEFT + CELL * time
        if isinstance(action, Advance):
            again = action.stop in seen
            seen.add(action.stop)
            fill = 'fill="none"' if again else 'fill="currentColor"'
            parts.append(
                f'<rect class="role-activation" x="{x + 2}" y="{level(n, action.stop) + 2}" '
                f'width="7" height="7" rx="1" {fill} stroke="currentColor" stroke-width="1.4"/>'
            )
        elif isinstance(action, Reverse):
            y = level(n, action.layer)
            tip = f"M{x + 1} {y + 1.5}h9l-4.5 8z"
            parts.append(f'<path class="role-adjoint" d="{tip}" fill="currentColor"/>')
    style = f"max-width:{max(width * 1.15, 260):.0f}px"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" style="{style}">'
        f"{''.join(parts)}</svg>"
    )


def level(n: int, k: int) -> int:
    """The upper edge of the row of layer k; x_0 is the lowest."""
    return CELL * (n - k)


def grid(n: int, steps: int) -> list[str]:
    """The row of each layer, a few numbers, and what the two directions are."""
    every = 1 if n <= 6 else 2 if n <= 12 else 5 if n <= 40 else 10
    rows = [
        f'<path class="line" d="M{LEFT} {level(n, k) + 5.5}h{CELL * steps}" stroke-opacity=".25"/>'
        for k in range(n + 1)
    ]
    numbers = [
        f'<text class="label" style="font-size:15px" x="{LEFT - 6}" y="{level(n, k) + 10.5}" '
        f'text-anchor="end">{k}</text>'
        for k in range(0, n + 1, every)
    ]
    names = [
        f'<text class="label" style="font-size:15px" x="{x}" y="{CELL * (n + 1) + 15}" '
        f'text-anchor="{anchor}">{words}</text>'
        for words, x, anchor in (("layer", 0, "start"), ("step", LEFT + CELL * steps, "end"))
    ]
    return [*rows, *numbers, *names]


def bars(n: int, steps: list[tuple[Any, frozenset[int]]]) -> list[str]:
    """A bar for each stay of a state: from the step after it was computed to the step that uses it up.

    `steps` are (action, states that are live while it is taken).
    """
    found, since = [], {0: 0}
    for time, (action, live) in enumerate([*steps, (None, frozenset())]):
        made = action.stop if isinstance(action, Advance) else -1
        for k in sorted(since.keys() - live):
            begin, end = since.pop(k), time
            if end - begin > 1:
                found.append(
                    f'<rect class="role-checkpoint" x="{LEFT + CELL * begin}" y="{level(n, k) + 3.5}" '
                    f'height="4" width="{CELL * (end - begin)}" rx="2" fill="currentColor" '
                    f'fill-opacity=".45"/>'
                )
        for k in live:
            since.setdefault(k, time + (k == made))
    return found
