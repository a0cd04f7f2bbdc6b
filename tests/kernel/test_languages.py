"""Languages: each has all words, with the same parameters; and what a client asks for is what it gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache

import attrs
import pytest
from babel.core import Locale
from hypothesis import given
from hypothesis import strategies as st

from harvestd.kernel import languages
from harvestd.kernel.codes import CODES
from harvestd.kernel.languages import MAX_RANGES, WORDS, choose, message, spoken
from harvestd.kernel.tags import LANGUAGES
from harvestd.kernel.units import UNITS
from harvestd.market.catalogue.farm_choice import _REASONS
from harvestd.market.catalogue.withheld import NOBODY_THERE, OWN_FARM
from harvestd.settings.table import Settings
from harvestd.web.problems import PROBLEMS
from harvestd.web.shapes import MINOR_UNITS, MINOR_UNITS_ALONE, PLACES
from harvestd.web.type_descriptions import _JSON_TYPES
from tests.kernel.test_codes import all_said

#: Of two languages, the first is the market's default.
OFFERED = ("de", "en")
#: Values as the contract has them, for each parameter of any code.
VALUES = {
    "minimum": "2.500", "maximum": "1250", "step": "0.5", "available": "1.250", "reserved": "3", "before": "890", "after": "1050",
    "missing": "150", "currency": "EUR", "unit": "kg", "from": "05-01", "to": "2026-10-31", "until": "2026-08-31", "expected": "string, integer",
    "allowed": "kg, each", "count": "101", "reason": "off-step", "farm_id": "0197f0a0", "product_id": "0197f0a0", "variant_id": "0197f0a1", "what": "short",
    "title": "Karotten", "farm": "Sonnenhof", "farms": "Sonnenhof, Mühle", "example": "05-01", "meant": "title", "value": "roots",
    "possible": "q, limit", "holds": "2", "minutes": "12", "zone": "Europe/Berlin", "list": "GET /api/farms", "orders": "3",
    "next": "0197f0a0-7c1e-7abc-8def-0123456789ab", "unit_before": "g", "percent": "300", "per_before": "1000", "per_after": "1",
}  # fmt: skip
#: They say how the others are written, or are ids for programs, and have no place of their own.
BESIDE = {"currency", "zone", "unit", "unit_before", "farm_id", "product_id", "variant_id", "reason", "next"}


@cache
def cases() -> dict[str, set[str]]:
    """By code, what the source says of its cases; those of ``quantity`` are codes themselves."""
    found: dict[str, set[str]] = {}
    for said in all_said():
        if said.code != "quantity" and said.reasons:
            found.setdefault(said.code, set()).update(said.reasons)
    found["not-for-sale"] = {NOBODY_THERE, OWN_FARM}
    found["not-accepted"] |= set(PLACES)
    found["required"] |= set(_REASONS)
    for own in (MINOR_UNITS, MINOR_UNITS_ALONE):
        for code, params in own["params"].items():
            found.setdefault(code, set()).add(params["reason"])
    found["below-minimum"] = {"to-remove", "exclusive", "stock", "never-charged", "coupon"}
    return found


#: Numbers of each kind that languages count apart.
COUNTED = [Decimal(text) for text in ("0", "1", "2", "5", "11", "21", "1000000", "0.5", "1.5", "2.5")]


class Used(dict[str, str]):
    """What a message asks for."""

    def __getitem__(self, name: str) -> str:
        self[name] = ""
        return name


def test_a_market_can_be_set_to_each_language_and_babel_knows_it() -> None:
    row = attrs.fields_dict(Settings)["market_languages"]
    assert set(row.metadata["choices"]) == set(LANGUAGES)
    for tag in LANGUAGES:
        assert tag in row.metadata["meaning"] and Locale.parse(tag, sep="-")


@pytest.mark.parametrize("tag", WORDS)
def test_a_language_has_every_title_code_unit_and_type(tag: str) -> None:
    words = WORDS[tag]
    assert set(words.title) == {problem.title for problem in PROBLEMS}
    assert set(words.message) == set(CODES)
    assert set(words.type) >= set(_JSON_TYPES.values())
    assert {unit for unit in UNITS if unit not in words.unit} <= {"kg", "g", "lb", "oz", "litre", "ml"}, (
        "CLDR has measures alone"
    )
    assert all(all(forms) and words.form(n) < len(forms) for forms in words.unit.values() for n in COUNTED)
    assert all(text.strip() == text and text for text in (*words.title.values(), *words.message.values()))


@pytest.mark.parametrize("tag", WORDS)
@pytest.mark.parametrize("code", CODES)
def test_a_message_has_exactly_the_parameters_of_its_code(tag: str, code: str) -> None:
    used = Used()
    WORDS[tag].message[code].format_map(used)
    always = set(CODES[code].params)
    assert set(used) <= always, "what may be missing cannot be in a message"
    assert always - set(used) <= BESIDE, "each is told"


@pytest.mark.xdist_group("codes")
@pytest.mark.parametrize("tag", WORDS)
def test_a_fuller_message_has_parameters_of_its_code_alone_and_each_case_has_one(tag: str) -> None:
    """Whatever a code says more by a reason or a parameter in English, the others say, too."""
    fuller = WORDS[tag].reason
    for code, by in fuller.items():
        known = {*CODES[code].params, *CODES[code].more}
        for key, template in by.items():
            used = Used()
            template.format_map(used)
            about = "what" in known and key in CODES  # the warning that is meant
            assert set(used) <= known and (key in known or about or key in cases()[code]), (code, key)
            assert template.strip() == template and template != WORDS[tag].message[code]
    for code, reasons in cases().items():
        assert reasons <= fuller[code].keys(), code
    for code, row in CODES.items():
        if code == "quantity":
            continue  # of which the reason tells the rest
        assert set(row.more) - BESIDE - {"what", "maximum"} <= _told(fuller.get(code, {}), row.params), code


def _told(by: Mapping[str, str], always: Sequence[str]) -> set[str]:
    """The parameters that one or another of the messages tells."""
    used = Used()
    for template in by.values():
        template.format_map(used)
    return {*used, *always}


@pytest.mark.parametrize("tag", WORDS)
@pytest.mark.parametrize("code", CODES)
def test_every_message_can_be_made_whatever_its_parameters_hold(tag: str, code: str) -> None:
    row = CODES[code]
    for names in (row.params, (*row.params, *row.more)):
        for params in ({name: VALUES[name] for name in names}, dict.fromkeys(names, "{0}%s"), dict.fromkeys(names, "")):
            assert message(code, params, "English", tag)


@pytest.mark.parametrize(
    ("code", "params", "text"),
    [
        ("below-minimum", {"minimum": "0.500", "unit": "kg"}, "muss mindestens 0,5 kg sein"),
        ("below-minimum", {"minimum": "1250", "currency": "EUR"}, "muss mindestens 12,50 € sein"),
        ("below-minimum", {"minimum": "0", "reason": "exclusive"}, "muss größer als 0 sein"),
        (
            "above-maximum",
            {"maximum": "9007199254740991", "currency": "EUR", "reason": "total"},
            "zusammen sind höchstens 90.071.992.547.409,91 € möglich; nehmen Sie weniger, oder teilen Sie es auf mehrere Bestellungen auf",
        ),
        (
            "not-accepted",
            {"available": "1.500", "unit": "kg", "reason": "unit-stays"},
            "bleibt, solange 1,5 kg auf Lager sind; setzen Sie zuerst den Bestand auf 0, und geben Sie ihn danach neu an",
        ),
        (
            "below-reserved",
            {"reserved": "1.250", "unit": "kg", "reason": "unit-stays"},
            "bleibt, solange offene Bestellungen 1,25 kg enthalten; archivieren Sie das Produkt, und bieten Sie es in der anderen Einheit neu an",
        ),
        (
            "below-minimum",
            {"minimum": "2000", "missing": "150", "currency": "EUR", "reason": "coupon"},
            "gilt für Waren ab 20,00 €; es fehlen noch 1,50 €",
        ),
        (
            "window-full",
            {"next": "1", "from": "2026-05-01T08:00:00Z", "zone": "Europe/Berlin"},
            "ist voll; das nächste freie beginnt am 01.05.2026, 10:00",
        ),
        (
            "window-full",
            {"next": "1", "from": "2026-05-01T08:00:00Z", "zone": "America/New_York", "minutes": "12"},
            "ist voll; das nächste freie beginnt am 01.05.2026, 04:00; einiges davon ist noch höchstens 12 Minuten für andere vorgemerkt",
        ),
        ("window-full", {"minutes": "1"}, "ist voll; einiges davon ist noch höchstens 1 Minuten für andere vorgemerkt"),
        ("window-full", {}, "ist voll"),
        ("above-maximum", {"maximum": "1000000"}, "darf höchstens 1.000.000 sein"),
        ("out-of-stock", {"available": "1", "unit": "box"}, "vorrätig: 1 Kiste"),
        ("out-of-stock", {"available": "2", "unit": "box"}, "vorrätig: 2 Kisten"),
        ("out-of-season", {"from": "05-01", "to": "10-31"}, "hat Saison vom 1. Mai bis zum 31. Oktober"),
        ("wrong-type", {"expected": "string, integer"}, "erwartet wird: Text, ganze Zahl"),
        ("required", {"expected": "string, integer"}, "fehlt; erwartet wird: Text, ganze Zahl"),
        ("not-a-number", {"example": "1.25"}, "muss eine Zahl in Ziffern sein, zum Beispiel 1.25"),
        ("not-one-of", {"allowed": "1000"}, "möglich ist: 1000"),
        ("not-found", {"value": "1000"}, "1000 gibt es nicht"),
        (
            "sold-out",
            {"available": "0", "unit": "kg", "title": "1000"},
            "1000 ist ausverkauft; bitte nehmen Sie es heraus",
        ),
        ("not-an-id", {}, "muss eine Kennung sein, zum Beispiel 0197f0a0-7c1e-7abc-8def-0123456789ab"),
        ("not-an-id", {"list": "GET /api/categories"}, "muss eine Kennung aus GET /api/categories sein"),
        (
            "wrong-type",
            {"expected": "object, integer", "reason": "minor-units"},
            'muss in der kleinsten Einheit der Währung angegeben sein: 350 sind 3,50 EUR; oder {"amount": 350, "currency": "EUR"}',
        ),
        (
            "below-minimum",
            {"minimum": "0.001", "reason": "to-remove"},
            "muss größer als 0 sein; DELETE /api/cart/items/{product_id} nimmt das Produkt heraus",
        ),
        ("required", {"reason": "for-delivery"}, "ist für die Lieferung erforderlich"),
        ("required", {"reason": "something new"}, "fehlt oder ist leer"),
        ("not-accepted", {"meant": "title"}, "wird hier nicht angenommen; meinten Sie title?"),
        ("not-one-of", {"allowed": "", "reason": "final"}, "ist endgültig; hier ist nichts mehr möglich"),
        (
            "not-for-sale",
            {"reason": "nobody-there", "title": "Lauch", "farm": "Sonnenhof"},
            "Lauch kann nicht bestellt werden: Bei Sonnenhof nimmt zurzeit niemand Bestellungen an",
        ),
        ("not-for-sale", {"reason": "nobody-there"}, "kann hier nicht bestellt werden; bitte nehmen Sie es heraus"),
        ("out-of-stock", {"available": "1.5", "unit": "kg", "title": "Lauch"}, "von Lauch sind noch 1,5 kg vorrätig"),
        (
            "quantity",
            {"reason": "off-step", "step": "0.05", "unit": "kg", "title": "Lauch"},
            "Lauch: die Menge muss ein Vielfaches von 0,05 kg sein",
        ),
        (
            "quantity",
            {"reason": "above-maximum", "maximum": "5", "title": "Lauch"},
            "Lauch: die Menge darf höchstens 5 sein",
        ),
        (
            "quantity",
            {"reason": "quantity", "title": "Lauch"},
            "Lauch: die Menge kann nicht in dieser Menge bestellt werden",
        ),
        (
            "order-minimum",
            {"farm_id": "1", "farm": "Sonnenhof", "minimum": "1000", "missing": "415", "currency": "EUR"},
            "Sonnenhof nimmt Bestellungen ab 10,00 € an; es fehlen noch 4,15 €",
        ),
        (
            "unit-changed",
            {"before": "kg", "after": "bunch"},
            "die Einheit hat sich geändert: vorher kg, jetzt Bund; bitte geben Sie die Menge neu an",
        ),
    ],
)
def test_numbers_amounts_quantities_and_days_are_written_as_the_language_writes_them(
    code: str, params: dict[str, str], text: str
) -> None:
    assert message(code, params, "", "de") == text


@pytest.mark.parametrize(
    ("tag", "code", "params", "text"),
    [
        ("fr", "below-minimum", {"minimum": "1250", "currency": "EUR"}, "doit être d'au moins 12,50 €"),
        ("fr", "out-of-season", {"from": "05-01", "to": "10-31"}, "est de saison du 1 mai au 31 octobre"),
        ("fr", "out-of-stock", {"available": "1.5", "unit": "kg", "title": "Poireau"}, "il reste 1,5 kg de Poireau"),
        ("fr", "wrong-type", {"expected": "string, integer"}, "type attendu\u00a0: texte, nombre entier"),
        ("fr", "quantity", {"reason": "off-step", "step": "0.05", "unit": "kg", "title": "Poireau"},
         "Poireau\u00a0: la quantité doit être un multiple de 0,05 kg"),
        ("es", "order-minimum", {"farm_id": "1", "farm": "Sol", "minimum": "1000", "missing": "415", "currency": "EUR"},
         "Sol acepta pedidos a partir de 10,00 €; faltan todavía 4,15 €"),
        ("es", "out-of-season", {"from": "05-01", "to": "10-31"}, "su temporada va del 1 de mayo al 31 de octubre"),
        ("es", "above-maximum", {"maximum": "7.2", "unit": "kg", "percent": "300", "reason": "estimate"},
         "no puede pasar de 7,2 kg, el 300 % de lo estimado; revise el número y la unidad"),
        ("es", "not-accepted", {"meant": "title"}, "no se acepta aquí; ¿quiso decir title?"),
        ("es", "unit-changed", {"before": "kg", "after": "bunch"},
         "la unidad ha cambiado: antes kg, ahora manojo; indique de nuevo la cantidad, por favor"),
        ("es", "price-changed", {"before": "390", "after": "400", "currency": "EUR", "per_before": "1", "per_after": "1", "unit": "kg", "unit_before": "kg"},
         "el precio ha cambiado: antes 3,90 € por 1 kg, ahora 4,00 € por 1 kg"),
    ],
)  # fmt: skip
def test_french_and_spanish_write_them_their_own_way(tag: str, code: str, params: dict[str, str], text: str) -> None:
    assert message(code, params, "", tag) == text


def test_of_the_fuller_messages_a_reason_comes_first_and_then_the_one_that_tells_most() -> None:
    for words in WORDS.values():
        codes = ["content-changed", "minimum-changed", "step-changed", "unit-changed", "weight-changed"]
        assert list(words.reason["changed"]) == [*codes, "per_before", "title"]
        assert list(words.reason["not-found"])[-2:] == ["value", "list"]


def test_what_has_no_word_is_said_in_english() -> None:
    assert message("not-a-code", {}, "in English", "de") == "in English"
    assert message("required", {}, "in English", "en") == "in English"


def test_english_is_always_spoken_and_the_default_is_first() -> None:
    assert spoken(()) == ("en",)
    assert spoken(("de",)) == ("de", "en")
    assert spoken(("en", "de", "en")) == ("en", "de")


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "de"), ("*", "de"), ("en", "en"), ("EN", "en"), ("en-GB", "en"), ("de-Latn-AT-1901", "de"), ("fr", "de"), ("fr, en", "en"),
        ("en;q=0.1, de;q=0.2", "de"), ("en; q=0.3 , de;q=0.2", "en"), ("de, en", "de"), ("en, de", "en"), ("fr, en;q=0.001", "en"),
        ("de;q=0", "en"), ("de;q=0.000, *", "en"), ("de;q=0, en;q=0", "de"), ("en;q=1.000, de", "en"),
        ("en;q=2", "de"), ("en;q=-1", "de"), ("en;q=٠", "de"), ("en;q=1e0", "de"), ("en;q=0.1234", "de"), ("en;level=1", "de"),
        ("en;", "de"), (";q=1", "de"), (",,,en", "en"), ("en\n", "en"), ("en_US", "de"), ("english", "de"), ("-en", "de"),
    ],
)  # fmt: skip
def test_the_best_of_what_the_client_reads_is_chosen(accepted: str, language: str) -> None:
    assert choose(accepted, OFFERED) == language


@given(st.text(max_size=200) | st.text(alphabet="den-,;q=01.* ", max_size=200))
def test_whatever_is_asked_for_the_language_is_one_of_the_market(accepted: str) -> None:
    assert choose(accepted, OFFERED) in OFFERED


def test_no_more_than_the_first_ranges_are_looked_at() -> None:
    assert choose("fr," * (MAX_RANGES - 1) + "en", OFFERED) == "en"
    assert choose("fr," * MAX_RANGES + "en", OFFERED) == "de"
    assert languages.ENGLISH in LANGUAGES


def test_a_title_is_in_the_language_that_is_asked_for() -> None:
    assert languages.title("Out of stock", languages.ENGLISH) == "Out of stock"
    assert languages.title("Out of stock", "de") == "Nicht mehr vorrätig"
    assert languages.title("as it is", "de") == "as it is"
