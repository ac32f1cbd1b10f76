"""What each role can take out of the admin as a file, or print, is searched for the canaries of the masking table."""

import pytest
from django.urls import reverse

from groupbuy.models import OrderStatus
from tests.contract.test_leaks import leaks
from tests.support.pages import browser_of
from tests.support.sheets import EXPORTED, text_of

STAFF = ("C", "M", "M2", "H", "S", "H3")


def pick_lists(world, who):
    browser = browser_of(world.people[who])
    addresses = [reverse("admin:groupbuy_groupbuying_print_pick_list", args=[corner.group_buying.pk]) for corner in world.corners]
    answers = [browser.get(address) for address in addresses]
    return "\n".join(answer.content.decode() for answer in answers if answer.status_code == 200)


def taken(world, who):
    return "\n".join(text_of(browser_of(world.people[who]), model) for model in EXPORTED)


@pytest.mark.slow
@pytest.mark.parametrize("who", STAFF)
def test_no_export_tells_what_the_table_hides(world, who):
    assert leaks(world, who, taken(world, who)) == []


@pytest.mark.parametrize("who", STAFF)
def test_no_pick_up_list_tells_what_the_table_hides(world, who):
    assert leaks(world, who, pick_lists(world, who)) == []


@pytest.mark.slow
@pytest.mark.parametrize("who", ["B", "B2", "B3"])
def test_a_buyer_takes_nothing(world, who):
    for model in EXPORTED:
        answer = browser_of(world.people[who]).post(reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_export"), {"kind": "csv"})
        assert (answer.status_code, answer.content) == (302, b"")


@pytest.mark.slow
def test_the_search_finds_what_a_role_may_read(world):
    """Else the tests above would pass on empty files."""
    ours, theirs = world.corners[0], world.corners[2]
    paid = ours.orders[OrderStatus.PAID]
    for text in (taken(world, "C"), pick_lists(world, "C")):
        assert paid.phone in text
        assert paid.remark in text
    text = taken(world, "H")
    over = ours.orders[OrderStatus.COMPLETED]
    assert all(canary in text for canary in (over.phone, over.address, over.remark, over.code, "4.31", "4.61", ours.accountant.nickname))
    assert {leak.split(" of ")[0] for leak in leaks(world, "H3", text)} >= {"COMPLETED phone", "COMPLETED address", "cost price"}
    assert theirs.orders[OrderStatus.PAID].phone in taken(world, "H3")
