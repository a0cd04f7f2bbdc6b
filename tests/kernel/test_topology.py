"""Topics, as AMQP has them, and the table that uses them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvestd.kernel.topology import RETRY_DELAYS, matches
from harvestd.tables import SUBJECTS, TOPOLOGY


@pytest.mark.parametrize(
    ("pattern", "key", "taken"),
    [
        ("order.created", "order.created", True),
        ("order.created", "order.updated", False),
        ("order.*", "order.created", True),
        ("order.*", "order", False),
        ("order.*", "order.part.ready", False),
        ("*.viewed", "product.viewed", True),
        ("*.viewed", "viewed", False),
        ("*", "order", True),
        ("*", "order.created", False),
        ("#", "order.part.ready", True),
        ("#", "", True),
        ("order.#", "order", True),
        ("order.#", "order.part.ready", True),
        ("#.ready", "ready", True),
        ("order.#.ready", "order.ready", True),
        ("order.#.ready", "order.a.b.ready", True),
        ("order.#.ready", "order.a.b", False),
        ("ordér.*", "ordér.x", True),
        ("order", "orders", False),
    ],
)
def test_patterns_take_keys(pattern, key, taken):
    assert matches(pattern, key) is taken


words = st.lists(st.sampled_from("ab"), min_size=1, max_size=5)


@given(st.lists(st.sampled_from(["a", "b", "*", "#"]), min_size=1, max_size=4), words)
def test_matching_agrees_with_a_regular_expression(pattern, key):
    expression = "".join({"*": r"\.[^.]+", "#": r"(\.[^.]+)*"}.get(word, rf"\.{word}") for word in pattern)
    assert matches(".".join(pattern), ".".join(key)) == bool(re.fullmatch(expression, "." + ".".join(key)))


def test_an_order_goes_where_the_table_says():
    assert TOPOLOGY.queues_for("order.created") == (
        "harvest.orders", "harvest.notifications", "harvest.analytics", "harvest.cache",
    )  # fmt: skip
    assert TOPOLOGY.queues_for("product.viewed") == ("harvest.analytics", "harvest.cache")
    assert TOPOLOGY.queues_for("nobody.cares") == ()


def test_every_binding_can_take_some_event():
    for queue in TOPOLOGY.queues.values():
        for pattern in queue.binds:
            assert any(matches(pattern, type) for type in TOPOLOGY.events), (
                f"{queue.name} binds {pattern}, which nothing has"
            )


def test_queues_have_names_of_their_own_and_delays_grow():
    assert sum(len(subject.handlers) for subject in SUBJECTS) == len(TOPOLOGY.queues)
    assert all(queue.dead == f"{queue.name}.dead" for queue in TOPOLOGY.queues.values())
    assert list(RETRY_DELAYS) == sorted(RETRY_DELAYS)


def test_a_failed_message_is_tried_again_after_these_seconds() -> None:
    """As docs/architecture.md and whoever watches a queue has them: from a blink to ten minutes."""
    assert RETRY_DELAYS == (1, 5, 30, 120, 600)
