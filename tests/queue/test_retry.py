"""What becomes of a message that was not handled."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from harvestd.interfaces import Dropped, Retried
from harvestd.kernel.errors import Unavailable
from harvestd.kernel.topology import RETRY_DELAYS, RETRY_JITTER
from harvestd.queue.retry import CAUSE_LENGTH, Again, Dead, Drop, Retry, next_step, outcome_of

chances = st.floats(0, 1, exclude_max=True)
LAST = len(RETRY_DELAYS)


@given(st.integers(0, LAST - 1), chances, st.floats(0.001, 100))
def test_a_try_that_failed_is_repeated_after_its_delay_within_the_jitter(attempts, chance, scale):
    step = next_step(attempts, Retried("busy"), chance, scale)
    assert isinstance(step, Again)
    delay = RETRY_DELAYS[attempts] * scale
    assert delay * (1 - RETRY_JITTER) * 0.999 <= step.delay <= delay * (1 + RETRY_JITTER) * 1.001


@given(st.integers(0, LAST - 2), chances, chances)
def test_each_delay_is_longer_than_the_one_before_whatever_the_jitter(attempts, one, other):
    earlier, later = next_step(attempts, Retried(""), one), next_step(attempts + 1, Retried(""), other)
    assert isinstance(earlier, Again) and isinstance(later, Again) and earlier.delay < later.delay


def test_jitter_reaches_both_of_its_ends():
    assert next_step(0, Retried(""), 0.0) == Again(RETRY_DELAYS[0] * (1 - RETRY_JITTER))
    assert next_step(0, Retried(""), 0.5) == Again(RETRY_DELAYS[0])


@given(st.integers(LAST, 1000), chances)
def test_after_the_last_delay_it_is_dead_and_says_of_what(attempts, chance):
    step = next_step(attempts, Retried("farm is closed"), chance)
    assert step == Dead(f"failed {attempts + 1} times, the last: farm is closed")


@given(st.integers(0, 1000), chances)
def test_a_dropped_message_is_dead_at_once(attempts, chance):
    assert next_step(attempts, Dropped("unknown schema"), chance) == Dead("unknown schema")


@given(st.text(alphabet=st.characters(), max_size=3000))
def test_any_cause_can_be_stored(cause):
    step = next_step(0, Dropped(cause), 0.5)
    assert isinstance(step, Dead)
    step.cause.encode("utf-8")
    assert "\x00" not in step.cause and len(step.cause) <= CAUSE_LENGTH


def test_exceptions_say_how_it_went():
    assert outcome_of(Retry("the product is not there yet")) == (Retried("the product is not there yet"), True)
    assert outcome_of(Drop("no such kind")) == (Dropped("no such kind"), True)
    assert outcome_of(Unavailable("search is away")) == (Retried("search is away"), True)
    assert outcome_of(Drop()) == (Dropped("Drop"), True)
    outcome, expected = outcome_of(msgspec.ValidationError("expected int"))
    assert isinstance(outcome, Dropped) and "expected int" in outcome.cause and expected


def test_an_unknown_exception_is_retried_and_not_expected():
    assert outcome_of(KeyError("farm_id")) == (Retried("KeyError: 'farm_id'"), False)
