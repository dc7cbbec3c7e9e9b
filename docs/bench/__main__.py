"""Measure: `make bench`, or `python docs/bench step memory` for some parts only.

Each part writes results/<part>.json with its numbers, the machine and the date, as soon as it is finished, so
that an interruption or a failure keeps what there is. Times are ratios within one run, medians of interleaved
pairs. Peers (PyTorch, scikit-learn) are measured if they are installed, and left out if not.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import learning
import memory
import speed

from weave.results import present

RESULTS = Path(__file__).parent / "results"
PARTS = {
    "step": speed.step,
    "pytorch": speed.pytorch,
    "products": speed.products,
    "epoch": speed.epoch,
    "lessons": speed.lessons,
    "memory": memory.against_depth,
    "overhead": memory.overhead,
    "pareto": memory.pareto,
    "torch-checkpoint": memory.torch_checkpoint,
    "mnist": learning.mnist,
}


def main() -> int:
    """Measure the parts that were asked for, in order; how many failed."""
    reader = argparse.ArgumentParser(prog="docs/bench", description=__doc__)
    reader.add_argument(
        "parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)}; all if none is given"
    )
    wanted = reader.parse_args().parts or list(PARTS)
    unknown = [part for part in wanted if part not in PARTS]
    if unknown:
        reader.error(f"there is no part {', '.join(unknown)}; parts: {', '.join(PARTS)}")
    failed = 0
    for number, part in enumerate(wanted, 1):
        try:
            print(f"[{number}/{len(wanted)}] {part}", flush=True)
            began = time.perf_counter()
            numbers = PARTS[part]()
            if numbers is not None:
                keep(part, numbers)
            print(f"    {time.perf_counter() - began:.0f} s", flush=True)
        except KeyboardInterrupt:
            print(f"\nStopped in {part}; what was finished before is kept in {RESULTS}")
            return 130
        except Exception:
            traceback.print_exc()
            failed += 1
    return failed


def keep(part: str, numbers: dict[str, Any]) -> None:
    """Write a part's file, all or nothing."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{part}.json"
    path.with_suffix(".new").write_text(json.dumps({"about": about(part), **numbers}, indent=1) + "\n")
    path.with_suffix(".new").replace(path)


def about(part: str) -> dict[str, Any]:
    """Where, when and with what a part was measured."""
    return {
        "command": f"python docs/bench {part}",
        "mlp": present(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": os.environ.get("OPENBLAS_NUM_THREADS", "all"),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("numpy", "torch", "scikit-learn") if version(name)},
    }


def processor() -> str:
    """The processor's name, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def version(name: str) -> str:
    """A package's version, "" if it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    sys.exit(main())
