"""What the book takes from others: pinned, hashed, and under licences that the book names."""

from __future__ import annotations

import json
import re
from importlib import metadata

from weave.book import ROOT
from weave.vendor import HERE

PERMISSIVE = r"\b(MIT|BSD|0BSD|Apache|ISC|PSF|Python Software Foundation|Zlib|CC0)"


def licence(name: str) -> str:
    """What an installed distribution says of its licence."""
    about = metadata.metadata(name)
    classifiers = [each for each in about.get_all("Classifier") or [] if each.startswith("License ::")]
    return about.get("License-Expression") or " ".join(classifiers) or str(about.get("License"))[:80]


def test_every_tool_is_pinned_by_hash_and_has_a_licence_that_the_book_names() -> None:
    files = ("requirements.txt", "tests/jax.txt")
    requirements, jax = ((ROOT / name).read_text(encoding="utf-8") for name in files)
    page = (ROOT / "docs" / "reference" / "decisions.md").read_text(encoding="utf-8")
    excepted = re.search(r"with these exceptions(.*?)A test compares", page, re.DOTALL)
    assert excepted is not None
    pinned, more = (re.split(r"^(?=[a-zA-Z])", text, flags=re.MULTILINE)[1:] for text in (requirements, jax))
    installed = {each.metadata["Name"].lower().replace("_", "-") for each in metadata.distributions()}
    assert len(pinned) > 80 and "://" not in requirements + jax
    for each in (*pinned, *more):
        name = each.split("==")[0].lower().replace("_", "-")
        assert "--hash=sha256:" in each, name
        if name in installed:  # some are for other systems
            assert bool(re.search(PERMISSIVE, licence(name))) != (name in excepted[1]), (name, licence(name))


def test_what_is_shipped_is_under_the_licences_that_lie_beside_it() -> None:
    lock = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))
    licences = {name: each["license"] for name, each in lock["packages"].items() if name}
    assert set(licences.values()) == {"MIT", "OFL-1.1"}


def test_what_measures_the_pages_is_pinned_by_hash() -> None:
    lock = json.loads((ROOT / "tests/browser/audit/package-lock.json").read_text(encoding="utf-8"))
    packages = {name: each for name, each in lock["packages"].items() if name}
    assert {"node_modules/axe-core", "node_modules/lighthouse"} < packages.keys()
    assert all(
        each["integrity"].startswith("sha512-") and "resolved" not in each for each in packages.values()
    )
