"""Where a group buy stands is one rule, said once for a row and once for many: the two must agree."""

from datetime import timedelta
from itertools import product

import pytest

from groupbuy.models import GroupBuying, Outcome, Phase
from groupbuy.models.phases import OPEN
from tests.support import factories

HOUR = timedelta(hours=1)
TIMES = {
    "before": (HOUR, 2 * HOUR),
    "during": (-HOUR, HOUR),
    "after": (-2 * HOUR, -HOUR),
    "from now": (0 * HOUR, HOUR),
    "to now": (-HOUR, 0 * HOUR),
}


@pytest.fixture
def every_kind(tenant, shop, now) -> list[GroupBuying]:
    kinds = product(Outcome, (True, False), TIMES.values(), (0, 5), (0, 10))
    return [
        factories.GroupBuyingFactory(
            tenant=tenant,
            shop=shop,
            outcome=outcome,
            in_use=in_use,
            start_at=now + start,
            end_at=now + end,
            min_qty=least,
            quota=10,
            taken=taken,
        )
        for outcome, in_use, (start, end), least, taken in kinds
    ]


def test_a_row_and_a_list_agree_on_every_phase(every_kind, now):
    found = {phase: set(GroupBuying.objects.in_phase(phase, now=now).values_list("pk", flat=True)) for phase in Phase}
    assert found == {phase: {row.pk for row in every_kind if row.phase(now) == phase} for phase in Phase}
    assert all(found.values())


def test_who_is_open_may_be_ordered_from(every_kind, now):
    ids = {row.pk for row in every_kind if row.is_open(now)}
    assert (
        ids
        == set(GroupBuying.objects.open(now).values_list("pk", flat=True))
        == set(GroupBuying.objects.in_phase(*OPEN, now=now).values_list("pk", flat=True))
    )
    running = {row.pk for row in every_kind if row.phase(now) == Phase.RUNNING}
    assert running == set(GroupBuying.objects.running(now).values_list("pk", flat=True))


def test_what_is_switched_off_and_over_is_over_for_everybody(group_buying, now):
    group_buying.in_use, group_buying.end_at = False, now
    assert group_buying.phase(now) == Phase.ENDED


def test_who_comes_or_runs_and_who_waits_for_a_decision(every_kind, now):
    coming = {row.pk for row in every_kind if row.phase(now) in (*OPEN, Phase.UPCOMING)}
    assert coming == set(GroupBuying.objects.running_or_coming(now).values_list("pk", flat=True))
    undecided = {row.pk for row in every_kind if row.phase(now) == Phase.UNDECIDED}
    assert undecided == set(GroupBuying.objects.undecided(now).values_list("pk", flat=True))
