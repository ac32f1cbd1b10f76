"""A tenant's merchant number in the admin: keys go in and never come out."""

import pytest

from groupbuy.models import MerchantAccount
from tests.back_office import answered, page, said
from tests.pages import browser_of

pytestmark = pytest.mark.django_db
ADD = "/admin/groupbuy/merchantaccount/add/"
KEYS = {"cert_serial": "A1", "private_key": "the-private-key", "api_v3_key": "k" * 32, "public_key_id": "PUB_KEY_ID_1", "public_key": "pub"}


@pytest.fixture
def account(headquarters):
    browser_of(headquarters).post(ADD, KEYS | {"mch_id": "1900000001", "in_use": "on"})
    return MerchantAccount.objects.get()


def test_headquarters_enters_the_own_keys(headquarters, account):
    assert (account.tenant, account.private_key, account.in_use) == (headquarters.tenant, "the-private-key", True)


def test_the_keys_are_not_shown_and_stay_when_left_empty(headquarters, account):
    browser = browser_of(headquarters)
    shown = browser.get(page(account)).content.decode()
    assert "the-private-key" not in shown
    assert "k" * 32 not in shown
    browser.post(page(account), KEYS | {"private_key": "", "api_v3_key": "", "cert_serial": "B2", "in_use": "on"})
    account = MerchantAccount.objects.get()
    assert (account.cert_serial, account.private_key, account.api_v3_key) == ("B2", "the-private-key", "k" * 32)


def test_a_second_number_in_use_and_a_key_of_the_wrong_length_are_refused(headquarters, account):
    second = KEYS | {"mch_id": "1900000002", "public_key_id": "PUB_KEY_ID_2", "in_use": "on", "api_v3_key": "short"}
    answer = browser_of(headquarters).post(ADD, second)
    assert set(answer.context["adminform"].form.errors) == {"in_use", "api_v3_key"}


def test_keys_can_be_tried_and_what_is_wrong_is_said(headquarters, account):
    done = browser_of(headquarters).post(page(account, "try_credentials"), answered(), follow=True)
    assert "微信支付不接受这些密钥" in said(done)[0]


def test_nobody_in_a_shop_opens_it(manager, account):
    assert browser_of(manager).get(page(account)).status_code in (403, 404)
    assert browser_of(manager).get(ADD).status_code == 403
