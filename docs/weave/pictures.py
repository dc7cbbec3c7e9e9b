"""The drawings of figures: files, and schedules in space and time: layers upward, steps to the right."""

import ast
from collections.abc import Iterator
from typing import Any

from mlp import schedules
from mlp.schedules import Action, Advance, Drop, Reverse, Schedule, depth, walk
from weave.book import Book
from weave.scan import Open, Page

ROW, STEP, LEFT, BOTTOM, GAP = 11, 8, 22, 16, 20
ACTIONS = {"Advance": Advance, "Reverse": Reverse, "Drop": Drop}
LARGEST = 0.075  # of the text's measure, which grows with a wide screen, to a unit


def planned(words: str) -> Schedule:
    """The schedule that a planner such as `binomial(10, slots=3)` makes, or whose actions stand there.

    Arguments are literals.
    """
    node = ast.parse(words, mode="eval").body
    if isinstance(node, ast.Tuple):
        actions = tuple(called(action, ACTIONS) for action in node.elts)
        return schedules.validate(actions, depth(actions))
    made = called(node, vars(schedules))
    schedule: Schedule = made.schedule if isinstance(made, schedules.Plan) else made
    return schedule


def called(node: ast.expr, known: dict[str, Any]) -> Any:
    """What the call of something known returns."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise ValueError(f"expected a call of a planner of mlp.schedules, got {ast.unparse(node)!r}")
    if not callable(function := known.get(node.func.id)):
        raise ValueError(f"mlp.schedules has no planner or action {node.func.id!r}")
    named = {str(word.arg): ast.literal_eval(word.value) for word in node.keywords}
    return function(*map(ast.literal_eval, node.args), **named)


def drawing(book: Book, page: Page, token: Open) -> str:
    """The SVG of a figure: a file, or schedules in space and time, with `;;` between them."""
    if "schedule" in token.options:
        try:
            return space_time(*map(planned, token.options["schedule"].split(" ;; ")))
        except (ValueError, TypeError, SyntaxError) as error:
            remedy = "Write for example 'schedule: binomial(10, slots=3)'"
            raise page.error(token.line, str(error).rstrip("."), remedy) from None
    path = book.root / "docs" / token.options.get("svg", "")
    if not path.is_file():
        problem = f"there is no drawing {token.options.get('svg')!r}"
        raise page.error(token.line, problem, "Name a file under docs/ in 'svg: '")
    return path.read_text(encoding="utf-8")


def space_time(*several: Schedule) -> str:
    """Schedules side by side as SVG.

    Filled squares are evaluations, hollow ones repeat an earlier one, bars are kept states, triangles are
    reversals, crosses are drops.
    """
    parts, right, height = [], 0, 0
    for schedule in several:
        n, steps = depth(schedule), [(step.action, frozenset(step.states)) for step in walk(schedule)]
        one = "".join([*grid(n, len(steps)), *bars(n, steps), *marks(n, [action for action, _ in steps])])
        parts.append(f'<g transform="translate({right} 0)">{one}</g>' if right else one)
        right += LEFT + STEP * len(steps) + GAP
        height = max(height, ROW * (n + 1) + BOTTOM)
    width = right - GAP + 4
    style = f"max-width:{width * LARGEST:.2f}rem"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" style="{style}">'
        f"{''.join(parts)}</svg>"
    )


def marks(n: int, actions: list[Action]) -> Iterator[str]:
    """A mark for each step."""
    seen: set[int] = set()
    for time, action in enumerate(actions):
        x = LEFT + STEP * time
        if isinstance(action, Advance):
            fill = "none" if action.stop in seen else "currentColor"
            seen.add(action.stop)
            yield (
                f'<rect class="role-activation" x="{x + 1}" y="{level(n, action.stop) + 2.5}" '
                f'width="6" height="6" rx="1" fill="{fill}" stroke="currentColor" stroke-width="1.4"/>'
            )
        elif isinstance(action, Reverse):
            tip = f"M{x} {level(n, action.layer) + 1.5}h8l-4 8z"
            yield f'<path class="role-adjoint" d="{tip}" fill="currentColor"/>'
        else:
            cross = f"M{x + 1} {level(n, action.state) + 2.5}l6 6m-6 0l6 -6"
            yield f'<path class="role-checkpoint" d="{cross}" stroke="currentColor" stroke-width="1.6"/>'


def level(n: int, k: int) -> int:
    """The upper edge of the row of layer k; x_0 is the lowest."""
    return ROW * (n - k)


def grid(n: int, steps: int) -> list[str]:
    """The row of each layer, a few numbers, and what the two directions are."""
    every = 1 if n <= 6 else 2 if n <= 12 else 5 if n <= 40 else 10
    rows = [
        f'<path class="line" d="M{LEFT} {level(n, k) + 5.5}h{STEP * steps}" stroke-opacity=".25"/>'
        for k in range(n + 1)
    ]
    numbers = [
        f'<text class="label" style="font-size:12px" x="{LEFT - 6}" y="{level(n, k) + 9.5}" '
        f'text-anchor="end">{k}</text>'
        for k in range(0, n + 1, every)
    ]
    names = [
        f'<text class="label" style="font-size:12px" x="{x}" y="{ROW * (n + 1) + 12}" '
        f'text-anchor="{anchor}">{words}</text>'
        for words, x, anchor in (("layer", 0, "start"), ("step", LEFT + STEP * steps, "end"))
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
                    f'<rect class="role-checkpoint" x="{LEFT + STEP * begin}" y="{level(n, k) + 3.5}" '
                    f'height="4" width="{STEP * (end - begin)}" rx="2" fill="currentColor" '
                    f'fill-opacity=".45"/>'
                )
        for k in live:
            since.setdefault(k, time + (k == made))
    return found
