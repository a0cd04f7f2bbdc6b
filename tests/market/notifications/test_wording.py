"""What people are told, in the language of each."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from harvestd.kernel.catalogues import WORDS
from harvestd.kernel.permissions import ROLES as MARKET_ROLES
from harvestd.kernel.tags import LANGUAGES
from harvestd.market.accounts.audit import TOLD
from harvestd.market.notifications.account_messages import NOTED, OWN_MAILS
from harvestd.market.notifications.mail_wording import account_shown, more_shown
from harvestd.market.notifications.messages import MESSAGES, ROLES
from harvestd.market.notifications.texts import MAILS, texts
from harvestd.market.notifications.wording import again, shown
from tests.english import english_in

GATE = {"method": "pickup", "pickup_point": {"name": "Gate", "address": "1 Lane"}}
FACTS: dict[str, Any] = {
    "number": "H-1", "name": "Zoë", "farm": "Œuvre", "currency": "EUR", "total": 123450, "subtotal": 488,
    "lines": [["1.250", "kg", "Möhre", 488], ["2.000", "box", "Ei", 250]], "way": [["Œuvre", GATE]], "farms": ["Œuvre", "Ñandú"],
    "buyer": ["Bo", "+436641234567"], "note": "zwei\nmal", "reason": "…", "member": "Bo", "role": "packer", "by": "Mel",
    "changes": [["Möhre", "kg", "1.250", "2.000", 780], ["Ei", "box", None, "2.000", 250], ["Lauch", "kg", "1.000", None, None], ["Ente", "each", "2.000", "2.000", 900]],
    "offer": [["Lauch", "kg", None, "1.000", 200]], "heavy": [["Ente", "each", "2.000", "2.300", "kg", 1150, 880]], "asked_total": 123720, "questions": [["Ente", "each", "2.000", "2.300", "kg", 1150, 880], ["Lauch", "kg", "1.000", None, None, 200, None]],
    "no_longer": [["Lauch", "kg", "1.000", None, None, 200, None]], "moot": [["Lauch", "kg", "1.000", None, None, 200, None]], "until": ["2026-07-03T18:00:00+00:00", "Europe/Vienna"],
    "before": [["Œuvre", GATE]], "after": [["Œuvre", GATE | {"window": ["2026-07-04T08:00:00+00:00", "2026-07-04T10:00:00+00:00", "Europe/Vienna", "Ñandú"]}]],
    "day": "Œuvre", "orders": "3", "goods": [["1.250", "kg", "Möhre"], []],
    "windows": [[["2026-07-04T08:00:00+00:00", "2026-07-04T10:00:00+00:00", "Europe/Vienna", "Hof", "Gasse 1"], ["2026-07-04T09:00:00+00:00", "2026-07-04T10:00:00+00:00", "Europe/Vienna", "", ""]]],
}  # fmt: skip
LINK = "https://x/#verify=y"
KINDS = [(*key, message.whom) for key, messages in MESSAGES.items() for message in messages]


def of(key: tuple[str, str], whom: str = "buyer") -> Any:
    return next(message for message in MESSAGES[key] if message.whom == whom)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_a_message_is_whole_in_each_language(kind: tuple[str, str, str], language: str) -> None:
    title, body = shown(of(kind[:2], kind[2]), FACTS, language)
    assert ("H-1" if kind[0].startswith("order.") else "Œuvre") in title and not {"{", "}"} & set(title + body)
    assert body.endswith("\n") and body.strip()
    if language != "en":
        told = shown(of(kind[:2], kind[2]), FACTS, "en")
        assert title != told[0] and body != told[1] and english_in(title + "\n" + body) == set()


def test_each_line_that_changed_is_told_with_what_it_was_and_is() -> None:
    body = shown(of(("order.line_short", "asked")), FACTS, "en")[1].splitlines()
    assert body[2:6] == [
        "  Möhre: 1.25 kg -> 2 kg  €7.80",
        "  + 2 boxes  Ei  €2.50",
        "  - 1 kg  Lauch",
        "  2  Ente  €9.00",
    ]
    assert "  + 1 kg  Lauch  €2.00" in body and any("until Jul 3, 2026, 8:00 PM" in line for line in body[-8:])


def test_what_weighs_more_than_agreed_is_told_with_its_weight_and_both_amounts() -> None:
    body = shown(of(("order.line_weighed", "asked")), FACTS, "en")[1]
    assert "  2  Ente: 2.3 kg  €11.50 instead of €8.80\n" in body
    assert "Total without more: €1,234.50\nTotal with all of it: €1,237.20\n" in body
    assert "You need no longer answer about:\n  + 1 kg  Lauch  €2.00\n\n" in body
    bare = shown(
        of(("order.line_weighed", "asked")), FACTS | {"heavy": [], "no_longer": [], "asked_total": None}, "en"
    )[1]
    assert "agreed on:\n\nPlease say" in bare and bare.endswith("with all of it: \n"), "of an event from before"
    assert "no longer" not in bare


def test_what_it_comes_to_with_a_yes_is_an_estimate_where_the_total_is_one() -> None:
    facts = FACTS | {"estimates": {"total": True}}
    body = shown(of(("order.line_weighed", "asked")), facts, "en")[1]
    assert "with all of it: about €1,237.20\n" in body


def test_what_was_asked_is_told_by_goods_or_by_weight() -> None:
    body = shown(of(("order.amended", "unanswered"), "farm"), FACTS, "en")[1]
    assert ":\n\n  2  Ente: 2.3 kg  €11.50 instead of €8.80\n  + 1 kg  Lauch  €2.00\n\nTotal: " in body


@pytest.mark.parametrize("sure", [True, False])
def test_whether_a_total_is_an_estimate_is_said_by_its_event_if_that_knows(sure: bool) -> None:
    facts = FACTS | {
        "lines": [["1.000", "each", "Huhn", 2322, sure]],
        "estimates": {"total": not sure, "subtotal": sure},
    }
    for whom, name in (("buyer", "total"), ("farm", "subtotal")):
        body = shown(of(("order.amended", ""), whom), facts, "en")[1]
        assert ("about" in body.rpartition("Total:")[2]) == facts["estimates"][name]


def test_what_a_buyer_says_of_a_line_stands_below_it() -> None:
    lines = [["1.000", "kg", "Möhre", 390, False, "zwei\nmal"], ["2.000", "box", "Ei", 250, False, ""]]
    body = shown(of(("order.created", ""), "farm"), FACTS | {"lines": lines}, "en")[1]
    assert "  1 kg  Möhre  €3.90\n      Note: zwei mal\n  2 boxes  Ei  €2.50\n" in body and "about" not in body
    changes = [["Möhre", "kg", "1.000", "1.000", 390, "klein"], ["Ei", "box", None, "2.000", 250, ""]]
    body = shown(of(("order.amended", ""), "farm"), FACTS | {"changes": changes}, "en")[1]
    assert "  1 kg  Möhre  €3.90\n      Note: klein\n  + 2 boxes  Ei  €2.50\n" in body


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", MAILS)
def test_a_mail_of_an_account_is_whole_in_each_language(kind: str, language: str) -> None:
    for what, role in [*((what, "") for what in NOTED.values()), *(("", role) for role in ROLES.values())]:
        given: dict[str, Any] = {
            "farm": "Œuvre",
            "before": "Œuvre",
            "reason": "",
            "what": what,
            "role": role,
            "days": 7,
        }
        subject, body = account_shown(kind, language, "Märkt", LINK, **given)
        assert not {"{", "}"} & set(subject + body) and ("{link}" in MAILS[kind][1]) == (LINK in body)
        if language != "en":
            assert english_in(f"{subject}\n{body.replace(LINK, '')}") == set()


@pytest.mark.parametrize(
    ("language", "one", "more"),
    [("en", "1 day", "7 days"), ("de", "1 Tag", "7 Tage"), ("fr", "1 jour", "7 jours"), ("es", "1 día", "7 días")],
)
def test_how_long_a_file_is_kept_is_told_in_the_language(language: str, one: str, more: str) -> None:
    for days, said in ((1, one), (7, more)):
        body = account_shown("exported", language, "Märkt", LINK, days=days)[1]
        assert re.search(rf"\b{said}\b", body)


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_gets_no_more_mails_for_now_is_told_where_to_look(language: str) -> None:
    subject, body = more_shown("Market\nof Ada", 60, language)
    assert "Market of Ada" in subject and "60" in body
    assert language == "en" or english_in(body) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_of_a_mail_to_an_account_has_one_colon_at_most(language: str) -> None:
    for kind, what in [*((kind, "") for kind in MAILS), *(("noted", what) for what in NOTED.values())]:
        given: dict[str, Any] = {"farm": "Œuvre", "before": "Œuvre", "reason": "", "what": what, "role": "", "days": 7}
        for said in re.split(r"(?<=[.!?])\s|\n\n", account_shown(kind, language, "Märkt", "", **given)[1]):
            assert said.count(":") <= 1, said


def test_each_action_that_is_told_has_its_words() -> None:
    told = [action.partition("/") for action in (*NOTED, *OWN_MAILS)]
    assert {action for action, _, _ in told} == TOLD.keys()
    assert {to for _, _, to in told if to} == {"opened", "closed", *MARKET_ROLES}
    assert set(OWN_MAILS.values()) <= MAILS.keys()


@pytest.mark.parametrize("tag", WORDS)
def test_a_language_has_every_text_of_mails_and_no_other(tag: str) -> None:
    assert set(WORDS[tag].mail) == set(texts())


ESTIMATES = {
    "en": ("about €23.22", "about €23.22; the farm weighs it", "about €23.22, until you have weighed it"),
    "de": ("etwa 23,22 €", "etwa 23,22 €; der Hof wiegt es noch", "etwa 23,22 €, bis Sie es gewogen haben"),
    "fr": (
        "environ 23,22 €",
        "environ 23,22 €\u00a0; la ferme doit encore peser",
        "environ 23,22 €, tant que vous n'avez pas pesé",
    ),
    "es": ("unos 23,22 €", "unos 23,22 €; la granja aún lo pesará", "unos 23,22 €, hasta que lo pese"),
}


@pytest.mark.parametrize("language", ESTIMATES)
def test_what_is_priced_by_weight_is_an_estimate_until_it_is_weighed_to_both_and_in_its_line(language: str) -> None:
    line, buyer, farm = ESTIMATES[language]
    facts = {
        **FACTS,
        "total": 2322,
        "subtotal": 2322,
        "lines": [["1.000", "each", "Huhn", 2322, True], ["2.000", "box", "Ei", 250, False]],
    }
    for whom, total in (("buyer", buyer), ("farm", farm)):
        body = shown(of(("order.created", ""), whom), facts, language)[1]
        assert f"Huhn  {line}\n" in body and total in body, body
        assert next(row for row in body.split("\n") if "Ei" in row).endswith(AMOUNTS[language][0][-6:].strip())
    sure = {**facts, "lines": [[*one[:4], False] for one in facts["lines"]]}
    before = {**facts, "lines": [one[:4] for one in facts["lines"]]}
    for certain in (sure, before):
        assert line not in shown(of(("order.created", "")), certain, language)[1], "a notice from before does not say"


AMOUNTS = {
    "en": ("  1.25 kg  Möhre  €4.88\n  2 boxes  Ei  €2.50", "€1,234.50"),
    "de": ("  1,25 kg  Möhre  4,88 €\n  2 Kisten  Ei  2,50 €", "1.234,50 €"),
    "fr": ("  1,25 kg  Möhre  4,88 €\n  2 caisses  Ei  2,50 €", "1 234,50 €"),
    "es": ("  1,25 kg  Möhre  4,88 €\n  2 cajas  Ei  2,50 €", "1.234,50 €"),
}


@pytest.mark.parametrize("language", AMOUNTS)
def test_numbers_amounts_and_quantities_are_those_of_the_language(language: str) -> None:
    lines, total = AMOUNTS[language]
    body = shown(of(("order.created", "")), FACTS, language)[1]
    assert lines in body and total in body


def test_each_farms_way_is_told_unless_it_is_the_same_for_all() -> None:
    def told(*ways: Any) -> str:
        return shown(of(("order.updated", "ready")), {**FACTS, "way": list(ways)}, "en")[1].partition("\n\n")[2]

    assert told(["One", GATE], ["Two", GATE]) == told(["One", GATE]) == "To be picked up at: Gate, 1 Lane\n"
    both = told(["One", GATE], ["Two", {"method": "pickup"}])
    assert both == "One: To be picked up at: Gate, 1 Lane\nTwo: To be picked up.\n"
    assert told(["One", {"method": "delivery", "address": "1 Lane\nBcc: x"}]) == "To be delivered to: 1 Lane Bcc: x\n"


def test_who_ordered_is_told_with_the_telephone_if_there_is_one() -> None:
    for buyer, said in ((["Bo\nB", None], "of Bo B has"), (["Bo", "+436641234567"], "of Bo (+436641234567) has")):
        assert said in shown(of(("order.created", ""), "farm"), {**FACTS, "buyer": buyer}, "en")[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_people_wrote_is_neither_filled_in_nor_another_line_nor_said_where_there_is_nothing(language: str) -> None:
    evil = {**FACTS, "name": "{total}", "note": "a\nTotal: 0", "reason": "", "lines": [["1", "kg", "x\n{link}", 1]]}
    body = shown(of(("order.created", ""), "farm"), {**evil, "buyer": ["{name}\nTotal: 1", None]}, language)[1]
    assert "a Total: 0" in body and "{name} Total: 1" in body and "x {link}" in body
    message = of(("order.cancelled", ""))
    assert shown(message, evil, language)[1] == message_without(message, evil, language)


def message_without(message: Any, facts: dict[str, Any], language: str) -> str:
    """The text, with nothing where the reason has its place."""
    template = WORDS[language].mail[message.body] if language != "en" else message.body
    return str(template.replace("{reason}", "").format(number=facts["number"], farms=", ".join(facts["farms"])))


def test_a_notice_is_told_again_in_another_language_unless_its_kind_or_its_facts_are_of_the_past() -> None:
    assert again(["order.created", "", "buyer"], FACTS, "de") == shown(of(("order.created", "")), FACTS, "de")
    assert again(["order.created", "", "nobody"], FACTS, "de") is None
    assert again(["order.sung", "", "buyer"], FACTS, "de") is None
    assert again(["order.created", "", "buyer"], {"number": "H-1"}, "de") is None


def test_quantities_of_a_line_are_exact() -> None:
    facts = {**FACTS, "lines": [[str(Decimal("0.050")), "kg", "Möhre", 20]]}
    assert "  0.05 kg  Möhre  €0.20" in shown(of(("order.created", "")), facts, "en")[1]
