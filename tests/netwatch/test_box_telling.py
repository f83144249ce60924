"""Is what a box said, and what it did not say, told apart?"""

from __future__ import annotations

import pytest

from netwatch.box.telling import Enough, Telling, listing
from netwatch.errors import ConfigError, OutsideError, ScopeError
from netwatch.model import Reason, Target, Vantage
from netwatch.probe import ProbeError

BOX = Target("d1", "192.168.1.1", (), vantage=Vantage.BOX)


def fail(error: Exception) -> None:
    """What a question may end with."""
    raise error


def test_a_question_without_an_answer_lets_the_next_one_be_asked() -> None:
    telling = Telling("bbox", BOX)
    with telling.all():
        with telling.part():
            fail(OutsideError("box.not-answered", Reason.PROTOCOL, what="nat/dmz"))
        with telling.part():
            telling.say("upnp", {"enabled": True})
    assert [one.protocol for one in telling.observations] == ["upnp"]
    assert [failure.reason for failure in telling.failures()] == [Reason.PROTOCOL]
    assert "nat/dmz" in telling.failures()[0].detail


@pytest.mark.parametrize(
    "error",
    [
        ProbeError(Reason.TIMEOUT),
        ProbeError(Reason.REFUSED),
        ProbeError(Reason.UNFINISHED),
        ScopeError("egress.outside-networks", address="192.168.1.1"),
        OutsideError("box.session-lost", Reason.CREDENTIALS),
    ],
)
def test_a_box_that_does_not_talk_is_asked_nothing_else(error: Exception) -> None:
    telling = Telling("bbox", BOX)
    with telling.all():
        with telling.part():
            fail(error)
        telling.say("upnp", {"enabled": True})
    assert telling.observations == []
    assert len(telling.failures()) == 1
    with pytest.raises(Enough), telling.part():
        raise error


def test_an_error_of_ours_is_not_taken_for_one_of_the_box() -> None:
    with pytest.raises(ZeroDivisionError), Telling("bbox", BOX).all():
        raise ZeroDivisionError


def test_a_failure_is_told_in_words_of_ours() -> None:
    telling = Telling("bbox", BOX)
    with telling.all():
        fail(ConfigError("config.password-empty", path="/etc/netwatch/box"))
    [failure] = telling.failures()
    assert (failure.reason, failure.vantage, failure.probe) == (Reason.CREDENTIALS, Vantage.BOX, "bbox")
    assert "/etc/netwatch/box" in failure.detail


def test_a_list_with_a_clean_end_is_whole_also_where_nothing_is_on_it() -> None:
    assert (listing(whole=True), listing(whole=False)) == ("whole", "cut")
