"""Whose word counts: accounts of every kind, and notifications signed with the keys of each."""

from dataclasses import replace

import pytest

from groupbuy.fake_wechat import make_merchant
from groupbuy.fake_wechat.notifier import Message
from groupbuy.models import OrderStatus
from tests import factories
from tests.wechat import account_of, fresh, house_merchant, notify, pay

pytestmark = pytest.mark.django_db


def test_one_tenants_keys_do_not_speak_for_the_environments_number(fake_wechat, wechat_order, prepaid):
    house = house_merchant(fake_wechat)
    squatter = replace(make_merchant(mch_id=house.mch_id, app_id=house.app_id))
    account_of(factories.TenantFactory(), squatter).save()
    pay(fake_wechat, prepaid.pre_pay_id)
    genuine = fake_wechat.notifier.messages[-1]
    forged = Message("forged", squatter, "", "TRANSACTION.SUCCESS", "transaction", genuine.content, genuine.create_time)
    assert notify(*fake_wechat.notifier.packed(forged)).status_code == 401
    assert fresh(wechat_order).status == OrderStatus.UNPAID
