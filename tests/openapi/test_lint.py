"""What others' linters say of the contract: nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.openapi.test_document import DOCUMENT
from tests.openapi.tools import need, run, written

#: What only sends browsers on, and so never answers with 2XX.
SENDING = {"#/paths/~1api~1auth~1google/get", "#/paths/~1api~1auth~1google~1callback/get"}


def _is_sending(problem: Any) -> bool:
    places = {place["pointer"].removesuffix("/responses") for place in problem["location"]}
    return problem["ruleId"] == "operation-2xx-response" and places <= SENDING


def test_redocly_has_nothing_to_say(tmp_path: Path) -> None:
    """By its recommended rules."""
    document = written(DOCUMENT, tmp_path)
    (tmp_path / "redocly.yaml").write_text("extends: [recommended]\n")
    done = run([need(".bin/redocly"), "lint", document, "--config", tmp_path / "redocly.yaml", "--format", "json"])
    found = json.loads(done.stdout[done.stdout.index("{") :])
    assert [f"{p['ruleId']}: {p['message']}" for p in found["problems"] if not _is_sending(p)] == []
    assert done.returncode == 0


def test_spectral_has_nothing_to_say(tmp_path: Path) -> None:
    """By its rules for OpenAPI."""
    document = written(DOCUMENT, tmp_path)
    (tmp_path / "spectral.yaml").write_text('extends: ["spectral:oas"]\n')
    done = run([need(".bin/spectral"), "lint", document, "--ruleset", tmp_path / "spectral.yaml", "--format", "json", "--quiet"])  # fmt: skip
    assert [f"{p['code']}: {p['message']} {p['path']}" for p in json.loads(done.stdout or "[]")] == []
    assert done.returncode == 0
