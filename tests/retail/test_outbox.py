"""The outbox: written with the change, sent after it, and what becomes of what could not be sent."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from retail import outbox
from retail.mini_program import Refused, Unknown
from retail.models import OutboxEntry
from retail.outbox import Impossible, NotNeeded, Sender
from retail.principals import principal_of
from retail.refusals import Forbidden, NotThere, Refusal, Unavailable
from retail.rights import Role
from tests.support import factories
from tests.support.races import at_once

pytestmark = pytest.mark.django_db
AFTER_LEASE = outbox.LEASE + timedelta(seconds=1)


@pytest.fixture(autouse=True)
def real_login(settings):
    settings.LOGIN_PROVIDER = "wechat"


@pytest.fixture
def put(shop, now) -> Callable[..., OutboxEntry]:
    def put_one(subject_id: int = 1, kind: str = "letter") -> OutboxEntry:
        outbox.put(kind=kind, subject_id=subject_id, tenant_id=shop.tenant_id, shop_id=shop.pk, now=now)
        return OutboxEntry.objects.get(kind=kind, subject_id=subject_id)

    return put_one


class Postman:
    """Notes what he carries; raises ``trouble`` first, as often as there is some."""

    def __init__(self, *trouble: BaseException) -> None:
        self.trouble = list(trouble)
        self.carried: list[int] = []

    def __call__(self, entry: OutboxEntry) -> None:
        self.carried.append(entry.subject_id)
        if self.trouble:
            raise self.trouble.pop(0)


def run(postman, now, *, is_repeatable=False, **options) -> int:
    return outbox.send_due(senders={"letter": Sender(postman, is_repeatable=is_repeatable)}, now=now, **options)


def state_of(entry) -> tuple[str, str]:
    entry.refresh_from_db()
    return entry.state, entry.note


def test_what_was_written_is_sent_once(put, now):
    entry, postman = put(), Postman()
    assert [run(postman, now), run(postman, now + timedelta(days=9))] == [1, 0]
    assert (postman.carried, state_of(entry)) == ([1], ("sent", ""))
    assert entry.sent_at == now


def test_a_change_that_is_taken_back_leaves_nothing_to_send(put):
    with pytest.raises(IntegrityError), transaction.atomic():
        put()
        raise IntegrityError
    assert not OutboxEntry.objects.exists()


def test_the_same_thing_again_is_the_same_row(put):
    assert put() == put()
    assert put() != put(2)
    assert put() != put(kind="parcel")


def test_a_kind_that_nobody_sends_waits(put, now):
    entry = put(kind="parcel")
    assert run(Postman(), now) == 0
    assert state_of(entry) == ("waiting", "")


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_sends(put, now):
    for number in range(5):
        put(number)
    postman = Postman()
    at_once(lambda _: run(postman, now), range(8), threads=8)
    assert sorted(postman.carried) == [0, 1, 2, 3, 4]
    assert set(OutboxEntry.objects.values_list("state", "attempts")) == {("sent", 1)}


def test_the_sandbox_sends_nothing(put, now, settings):
    settings.LOGIN_PROVIDER = "sandbox"
    entry, postman = put(), Postman()
    run(postman, now)
    assert (postman.carried, state_of(entry)[0]) == ([], "dropped")


@pytest.mark.parametrize(
    ("trouble", "state", "note"),
    [
        (NotNeeded("顾客未订阅"), "dropped", "顾客未订阅"),
        (Impossible("模板有误"), "given_up", "模板有误"),
        (Refused(40037), "given_up", "微信拒绝：errcode 40037"),
        (Unknown(), "given_up", "没有收到微信的回答，结果不明"),
        (Unavailable(), "waiting", "暂时无法连接微信"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_becomes_of_an_entry(put, now, trouble, state, note):
    entry = put()
    run(Postman(trouble), now)
    assert state_of(entry) == (state, note)


def test_a_result_that_is_unknown_is_tried_again_only_where_that_is_harmless(put, now):
    entry, postman = put(), Postman(Unknown())
    run(postman, now, is_repeatable=True)
    assert state_of(entry)[0] == "waiting"
    run(postman, now + timedelta(minutes=1), is_repeatable=True)
    assert (postman.carried, state_of(entry)) == ([1, 1], ("sent", ""))


def test_it_is_tried_less_and_less_often_and_then_given_up(put, now):
    entry, postman = put(), Postman(*[Unavailable()] * 99)
    waits = []
    for _ in range(outbox.TRIES_MAX):
        run(postman, now)
        entry.refresh_from_db()
        if entry.next_try_at:
            waits.append(entry.next_try_at - now)
            assert run(postman, entry.next_try_at - timedelta(seconds=1)) == 0
            now = entry.next_try_at
    assert (waits[0], waits[-1], sorted(waits)) == (outbox.BACKOFF.first, outbox.BACKOFF.slowest, waits)
    assert (len(postman.carried), state_of(entry)[0]) == (outbox.TRIES_MAX, "given_up")


@pytest.mark.parametrize(("is_repeatable", "state", "times"), [(True, "sent", 2), (False, "given_up", 1)])
def test_a_worker_that_dies_over_a_row_leaves_it_to_the_lease(put, now, is_repeatable, state, times):
    entry, postman = put(), Postman(SystemExit())
    with pytest.raises(SystemExit):
        run(postman, now, is_repeatable=is_repeatable)
    assert run(postman, now + timedelta(minutes=1), is_repeatable=is_repeatable) == 0
    run(postman, now + AFTER_LEASE, is_repeatable=is_repeatable)
    assert (postman.carried, state_of(entry)[0]) == ([1] * times, state)


def test_a_row_that_kills_every_worker_is_given_up_in_the_end(put, now):
    entry, postman = put(), Postman(*[SystemExit()] * 99)
    for number in range(outbox.TRIES_MAX):
        with pytest.raises(SystemExit):
            run(postman, now + number * AFTER_LEASE, is_repeatable=True)
    run(postman, now + timedelta(days=1), is_repeatable=True)
    assert (len(postman.carried), state_of(entry)[0]) == (outbox.TRIES_MAX, "given_up")


def test_a_row_that_fails_does_not_stop_the_others(put, now, caplog):
    first, second = put(1), put(2)
    run(Postman(ZeroDivisionError()), now)
    assert (state_of(first)[0], state_of(second)[0]) == ("sending", "sent")
    assert "ZeroDivisionError" in caplog.text


def test_a_late_answer_does_not_overwrite_what_somebody_decided_meanwhile(put, now):
    entry = put()

    def slow(claimed: OutboxEntry) -> None:
        OutboxEntry.objects.update(state="given_up", next_try_at=None)

    run(slow, now)
    assert state_of(entry)[0] == "given_up"


@pytest.fixture
def given_up(put) -> OutboxEntry:
    entry = put()
    OutboxEntry.objects.update(state="given_up", next_try_at=None, attempts=15, note="x")
    return entry


def test_a_person_may_have_it_sent_again(given_up, manager, now):
    assert outbox.send_again(entry_ids=[given_up.pk], principal=principal_of(manager), now=now) == 1
    assert (state_of(given_up), given_up.attempts) == (("waiting", ""), 0)
    assert run(Postman(), now) == 1


def test_what_was_sent_is_not_sent_again_and_a_batch_is_all_or_none(given_up, put, headquarters, now):
    sent = put(2)
    with pytest.raises(Refusal):
        outbox.send_again(entry_ids=[given_up.pk, sent.pk], principal=principal_of(headquarters), now=now)
    assert state_of(given_up)[0] == "given_up"


def test_only_managers_of_that_shop_may(given_up, clerk, tenant, now):
    next_door = factories.StaffFactory(tenant=tenant, role=Role.MANAGER, shops=[factories.ShopFactory(tenant=tenant)])
    elsewhere = factories.StaffFactory(role=Role.HEADQUARTERS)
    for person, refusal in ((clerk, Forbidden), (next_door, NotThere), (elsewhere, NotThere)):
        with pytest.raises(refusal):
            outbox.send_again(entry_ids=[given_up.pk], principal=principal_of(person), now=now)
    assert state_of(given_up)[0] == "given_up"
