"""How long threads wait for somebody else's server."""

from contextlib import ExitStack

import pytest

from retail import mini_program, slow_servers
from retail.mini_program import Unavailable, Unknown

PAY, LOGIN = "https://pay", "https://login"


@pytest.fixture
def waits(settings, monkeypatch):
    """Seconds that the next call may take, while all before it go on; a call is slow after one second of ``clock``."""
    settings.SERVER_THREADS = 4
    clock = [0.0]
    monkeypatch.setattr(slow_servers.time, "monotonic", lambda: clock[0])
    with ExitStack() as going_on:

        def wait(server=PAY, *, at=0.0):
            clock[0] = at
            return going_on.enter_context(slow_servers.waiting_for(server, seconds=8))

        yield wait


def test_half_of_the_threads_have_the_whole_time_and_the_others_a_second(waits):
    assert [waits() for _ in range(4)] == [8, 8, 1, 1]


def test_a_server_that_stalls_is_asked_by_no_more_than_half(waits):
    assert [waits() for _ in range(2)] == [8, 8]
    with pytest.raises(slow_servers.Stalls):
        waits(at=1.1)


def test_a_slow_answer_hurries_nobody_while_threads_are_left(waits):
    assert (waits(), waits(at=5)) == (8, 8)


def test_another_server_is_not_blamed(waits):
    assert [waits(), waits(), waits(LOGIN, at=5)] == [8, 8, 1]


def test_who_has_its_answer_makes_room(waits):
    waits()
    with slow_servers.waiting_for(PAY, seconds=8):
        pass
    assert waits() == 8


def test_less_time_than_a_second_is_not_made_longer(waits):
    waits(), waits()
    with slow_servers.waiting_for(PAY, seconds=0.2) as granted:
        assert granted == 0.2


@pytest.mark.parametrize("threads", [1, 2])
def test_one_thread_always_has_its_time(waits, settings, threads):
    settings.SERVER_THREADS = threads
    assert waits() == 8


def test_a_mini_program_call_that_was_not_made_is_known_not_to_have_been(waits, settings, fake_wechat):
    settings.WECHAT_API_BASE_URL = PAY
    waits(), waits(at=0)
    with pytest.raises(slow_servers.Stalls):
        waits(at=2)
    with pytest.raises(Unavailable) as raised:
        mini_program.send("GET", "/sns/jscode2session")
    assert not isinstance(raised.value, Unknown)
