"""A telephone number has one form, however it was typed."""

import pytest

from retail import phones
from shops.models import Shop
from tests.support.back_office import edit
from tests.support.pages import browser_of


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("13800008000", "13800008000"),
        (" 138 0000 8000 ", "13800008000"),
        ("138-0000-8000", "13800008000"),
        ("138–0000–8000", "13800008000"),
        ("１３８００００８０００", "13800008000"),
        ("+8613800008000", "13800008000"),
        ("＋86 138 0000 8000", "13800008000"),
        ("(+86)13800008000", None),
        ("8613800008000", "13800008000"),
        ("0086 138 0000 8000", "13800008000"),
        ("021-64000000", "021-64000000"),
        ("02164000000", "021-64000000"),
        ("（021）64000000", "021-64000000"),
        ("+86 21 6400 0000", "021-64000000"),
        ("0512-65000000", "0512-65000000"),
        ("021-64000000转801", "021-64000000-801"),
        ("021-64000000 ext. 801", "021-64000000-801"),
        ("+852 9123 4567", "+85291234567"),
        ("00852 9123 4567", "+85291234567"),
        ("+1 (415) 555-2671", "+14155552671"),
        ("64000000", None),
        ("1380000800", None),
        ("138000080001", None),
        ("12345678901", None),
        ("13800008000转1", None),
        ("+85291234567x1", None),
        ("138ABCD8000", None),
        ("1-800-FLOWERS", None),
        ("电话13800008000", None),
        ("13800008000 13900008000", None),
        ("不告诉你", None),
        ("400-800-1234", None),
        ("95588", None),
        ("110", None),
        ("+", None),
        ("", None),
    ],
)
def test_a_buyers_number(typed, kept):
    if kept:
        assert phones.normalised(typed) == kept
        return
    with pytest.raises(phones.BadPhone):
        phones.normalised(typed)


@pytest.mark.parametrize(("typed", "kept"), [("4008001234", "400-800-1234"), ("400 800 1234", "400-800-1234"), ("95588", "95588")])
def test_a_shop_may_be_reached_by_a_number_that_only_takes_calls(typed, kept):
    assert phones.normalised(typed, services=True) == kept


@pytest.mark.parametrize("typed", ["13800008000", "021-64000000-801", "+85291234567", "400-800-1234", "95588"])
def test_what_is_kept_is_kept_when_it_is_typed_again(typed):
    assert phones.normalised(typed, services=True) == typed


def form_of(shop, **values):
    form = {"name": shop.name, "phone": shop.phone, "address": shop.address, "lbs_point": "", "area": 0, "markup": 0}
    return form | {"holidays-TOTAL_FORMS": 0, "holidays-INITIAL_FORMS": 0} | values


@pytest.mark.parametrize(("typed", "kept"), [("(021) 6408 0001", "021-64080001"), ("4008001234", "400-800-1234"), ("", "")])
def test_a_shops_phone_is_kept_in_one_form(headquarters, shop, typed, kept):
    edit(browser_of(headquarters), shop, form_of(shop, phone=typed))
    assert Shop.objects.get().phone == kept


def test_a_shops_phone_that_is_none_is_said_beside_it(headquarters, shop):
    answer = edit(browser_of(headquarters), shop, form_of(shop, phone="问小王"))
    assert "请填写正确的电话号码" in str(answer.context["adminform"].form.errors["phone"])


def test_a_phone_from_before_there_was_a_rule_stays_until_somebody_changes_it(headquarters, shop):
    Shop.objects.update(phone="问小王")
    shop.refresh_from_db()
    edit(browser_of(headquarters), shop, form_of(shop, name="田林店"))
    assert (Shop.objects.get().name, Shop.objects.get().phone) == ("田林店", "问小王")
