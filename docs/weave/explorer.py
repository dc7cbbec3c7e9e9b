"""The schedule explorer: an interactive figure, fed by schedules that `mlp` planned while the site was built.

The script that runs it (assets/explorer.js) only expands, counts and draws actions; it plans nothing.
"""

import html
import json
from functools import cache
from typing import Any

from mlp import schedules
from mlp.memory import simulate
from mlp.schedules import Advance, Schedule
from weave import pictures

DEEPEST, MOST_SLOTS = 64, 12
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz*+."
PLANNERS = {
    "binomial": "binomial",
    "triangular": "decreasing segments",
    "uniform": "equal segments",
    "bisection": "bisection",
    "store_all": "store all",
}
FIRST = ("binomial", 16, 3)  # what stands there before anything is chosen, and without a script


@cache
def data() -> str:
    """The script with all schedules: an advance is two digits to the base 65, a reversal a stroke."""
    depths = range(1, DEEPEST + 1)
    everything: dict[str, Any] = {
        name: ["", *(written(getattr(schedules, name)(n)) for n in depths)]
        for name in ("store_all", "uniform", "triangular", "bisection")
    }
    best = {n: [schedules.binomial(n, s) for s in range(1, n + 1)] for n in depths}
    everything["binomial"] = [[""], *([written(best[n][s - 1]) for s in slots(n)] for n in depths)]
    everything["optimum"] = [[0], *([simulate(plan).evaluations for plan in best[n]] for n in depths)]
    everything["digits"] = DIGITS
    return f"window.bookSchedules = {json.dumps(everything, separators=(',', ':'))};\n"


def slots(n: int) -> range:
    """The numbers of slots for which a depth has a binomial schedule here."""
    return range(1, max(2, min(n, MOST_SLOTS + 1)))


def written(schedule: Schedule) -> str:
    """A schedule as a short text."""
    return "".join(
        DIGITS[action.start] + DIGITS[action.stop] if isinstance(action, Advance) else "-"
        for action in schedule
    )


def drawing() -> str:
    """The schedule that is shown first."""
    _, n, count = FIRST
    return pictures.space_time(schedules.binomial(n, count))


def markup(alternative: str) -> str:
    """The figure as it stands without a script: one schedule, drawn."""
    planner, n, count = FIRST
    named = f'<svg role="img" aria-label="{html.escape(alternative)}" '
    options = "".join(f'<option value="{name}">{words}</option>' for name, words in PLANNERS.items())
    ranges = (
        f'<label>{words} <input type="range" min="1" max="{most}" value="{value}"> '
        f"<output>{value}</output></label>"
        for words, most, value in (("layers", DEEPEST, n), ("slots", len(slots(n)), count))
    )
    return (
        f'<div class="explorer" data-planner="{planner}" data-depth="{n}" data-slots="{count}" '
        f'data-search-exclude><div class="controls"><label>schedule <select>{options}</select></label>'
        f"{''.join(ranges)}</div>"
        f'<div class="scroll" tabindex="0">{drawing().replace("<svg ", named, 1)}</div></div>'
    )
