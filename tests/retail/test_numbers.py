"""Numbers that are none, in a form of the admin."""

import pytest
from django.test import Client

from tests.support import factories
from tests.support.back_office import page
from tests.support.pages import BACKEND


@pytest.mark.django_db
@pytest.mark.parametrize("value", ["sNaN", "-sNaN1", "NaN", "1e999"])
def test_a_number_that_cannot_be_compared_is_a_wrong_one_like_others(headquarters, shop, value):
    row = factories.ShopProductFactory(shop=shop)
    browser = Client(raise_request_exception=False)
    browser.force_login(headquarters, backend=BACKEND)
    answer = browser.post(page(row), {"price": value, "initial-price": "5.90", "member_price": value, "initial-member_price": value})
    assert answer.status_code == 200
