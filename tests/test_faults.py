"""Whether a fault is listed, none is, or nobody could be asked, are three answers."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

FAULTS: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("faults.py")))
FAULT = {"id": "PYSEC-2022-1", "fix_versions": ["1.1"], "description": ""}
PIP = {"dependencies": [{"name": "a", "version": "1.0", "vulns": []}], "fixes": []}
NPM: dict[str, Any] = {"auditReportVersion": 2, "vulnerabilities": {}}
FAULTY_PIP = {"dependencies": [{"name": "a", "version": "1.0", "vulns": [FAULT]}]}
FAULTY_NPM = {"vulnerabilities": {"b": {"range": "<2", "severity": "high"}}}
UNKNOWN = {"dependencies": [{"name": "a", "skip_reason": "no such version"}]}
UNREACHED = {"message": "getaddrinfo ENOTFOUND registry", "error": {"code": "ENOTFOUND"}}


@pytest.mark.parametrize(
    ("pip", "npm", "status", "words"),
    [
        (PIP, NPM, 0, "requirements.txt: no known faults"),
        (FAULTY_PIP, NPM, 1, "1 known faults\n  a 1.0: PYSEC-2022-1, mended in ['1.1']"),
        (PIP, FAULTY_NPM, 1, "b <2: high"),
        (UNKNOWN, NPM, 1, "a: not looked up, no such version"),
        (PIP, UNREACHED, 2, "package-lock.json: could not be asked for; this needs a network"),
        (None, NPM, 2, "could not be asked for; this needs a network that reaches the database. no route"),
        (None, FAULTY_NPM, 2, "b <2: high"),
    ],
)
def test_three_answers(
    pip: Any, npm: Any, status: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a tool fails before it has a report, it prints none."""

    def run(command: list[str], folder: str) -> tuple[str, str]:
        report = pip if folder == "." else npm
        return (json.dumps(report), "") if report else ("", "Traceback\nno route to host\n")

    assert FAULTS["main"](run) == status
    assert words in capsys.readouterr().out


def test_what_is_asked_for_is_pinned_here() -> None:
    for lock, (command, folder, _) in FAULTS["QUESTIONS"].items():
        assert (FAULTS["ROOT"] / lock).is_file() and (FAULTS["ROOT"] / folder).is_dir()
        assert Path(command[0]).name in ("uv", "node")
