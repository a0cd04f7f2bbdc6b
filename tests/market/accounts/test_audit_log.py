"""The audit log: every action is in one table, the docs have it, and it is read by times."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from harvestd.market.accounts.audit import TOLD
from harvestd.market.accounts.audit_actions import ACTIONS, markdown
from harvestd.market.notifications.account_messages import ACCOUNT_MAILS, NOTED, OWN_MAILS
from tests.people import Market

ROOT = Path(__file__).parents[3]


def _given(module: ast.Module, noting: ast.Call) -> Iterator[str]:
    """The actions that are given to the function in which one is noted by a name."""
    functions = [one for one in module.body if isinstance(one, ast.AsyncFunctionDef)]
    (own,) = (one.name for one in functions if any(node is noting for node in ast.walk(one)))
    for call in ast.walk(module):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == own:
            yield from (
                a.value
                for a in call.args
                if isinstance(a, ast.Constant) and isinstance(a.value, str) and "." in a.value
            )


def noted() -> Iterator[str]:
    """The actions that the code notes."""
    for path in sorted((ROOT / "harvestd" / "market").rglob("*.py")):
        module = ast.parse(path.read_text())
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("audit.note", "note"):
                action = node.args[2]
                if isinstance(action, ast.Name):
                    yield from _given(module, node)
                    continue
                said = action.value if isinstance(action, ast.Constant) else ast.unparse(action)
                kinds = ("fee", "tax_rate", "coupon") if "{kind.name}" in said else ("",)
                yield from (said.replace("f'{kind.name}", kind).rstrip("'") if kind else said for kind in kinds)


def test_every_action_that_is_noted_is_in_the_table_and_no_other() -> None:
    found = set(noted())
    assert {one for one in found if not one.startswith("f'{ACTED}")} == set(ACTIONS)
    assert len(found) == len(ACTIONS) + 1, "what is done for another has its operation's name"
    assert list(ACTIONS) == sorted(ACTIONS)


def test_what_is_told_of_the_log_is_in_the_table() -> None:
    assert set(TOLD) == {told.partition("/")[0] for told in (*NOTED, *OWN_MAILS)} and set(TOLD) <= set(ACTIONS)


#: What is done to an account and told by no mail of the log: by its own mail, or why by none.
TOLD_OTHERWISE = {
    "account.address_verified": "whoever does it has read a mail; the address that the account had is told (moved)",
    "account.closed": "closed",
    "account.password_changed": "changed",
    "account.password_reset": "changed",
    "api_key.ended": "nobody gets at the account by it, and what ends it otherwise is told",
    "identity.account_opened": "welcome_elsewhere",
    "identity.signed_in": "a sign-in like any other: the list of sign-ins has it",
}


def test_whatever_is_done_to_an_account_is_mailed_to_its_owner_or_says_why_not() -> None:
    own = {
        action
        for action in ACTIONS
        if action.partition(".")[0] in ("account", "api_key", "identity", "passkey", "second_factor")
    }
    assert own - TOLD.keys() == TOLD_OTHERWISE.keys()
    assert TOLD.keys() <= own
    assert {told for told in TOLD_OTHERWISE.values() if " " not in told} <= ACCOUNT_MAILS.keys()


def test_the_docs_have_the_table() -> None:
    assert markdown() in (ROOT / "docs" / "operations.md").read_text(), (
        "print(harvestd.market.accounts.audit_actions.markdown()) is what docs/operations.md needs"
    )


async def test_the_log_is_read_by_times(market: Market) -> None:
    admin, times = await market.person("admin"), []
    for name in "abc":
        assert (await admin.post("/api/farms", {"name": name})).status == 201
    log = (await admin.get("/api/admin/audit")).json()["items"]
    times = [entry["at"] for entry in log]
    assert sorted(times, reverse=True) == times and len(set(times)) == 3

    async def found(query: str) -> list[str]:
        answer = await admin.get(f"/api/admin/audit?count=true&{query}")
        assert answer.status == 200, answer.text
        assert answer.json()["total"] == len(answer.json()["items"])
        return [entry["at"] for entry in answer.json()["items"]]

    newest, middle, oldest = times
    assert await found(f"from={middle}") == [newest, middle], "from then on"
    assert await found(f"to={middle}") == [oldest], "before then"
    assert await found(f"from={middle}&to={newest}") == [middle]
    assert await found(f"from={newest}&to={newest}") == []
    backwards = await admin.get(f"/api/admin/audit?from={newest}&to={oldest}")
    assert [(one["field"], one["code"]) for one in backwards.json()["errors"]] == [("to", "before-start")]
    there = (market.parts.now() + timedelta(hours=1)).astimezone().isoformat(timespec="seconds")
    assert await found(f"to={quote(there)}&action=farm.founded") == times
    first = (await admin.get(f"/api/admin/audit?from={oldest}&limit=2")).json()
    rest = (await admin.get(f"/api/admin/audit?from={oldest}&limit=2&after={first['next']}")).json()
    assert [entry["at"] for entry in first["items"] + rest["items"]] == times


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday",
        "from=2026-05-01",
        "to=2026-05-01T08:00:00",
        "from=",
        "to=2026-02-30T08:00:00Z",
        "from=2026-05-01T08:00:00+02:00",
    ],
)
async def test_what_is_no_time_is_refused(market: Market, query: str) -> None:
    answer = await (await market.person("admin")).get(f"/api/admin/audit?{query}")
    assert (answer.status, answer.json()["errors"][0]["field"]) == (422, query.partition("=")[0])
    assert "a time with its zone" in answer.json()["errors"][0]["message"], "which most often is what is missing"


async def test_an_action_that_there_is_none_of_is_refused_with_those_that_there_are(market: Market) -> None:
    admin = await market.person("admin")
    for action in (*ACTIONS, "for_another.putAddress"):
        assert (await admin.get(f"/api/admin/audit?action={action}")).status == 200, action
    for action in ("account", "account.changes", "for_another", "for_another.", "for_another.x y", ""):
        answer = await admin.get(f"/api/admin/audit?action={quote(action)}")
        (error,) = answer.json()["errors"]
        assert (answer.status, error["field"], error["code"]) == (422, "action", "not-one-of"), action
        assert set(ACTIONS) <= set(error["params"]["allowed"].split(", "))
