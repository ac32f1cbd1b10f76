"""Whose merchant number takes the money: the tenant's own, else the environment's; and a payment stays where it went."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from groupbuy import orders, payments
from groupbuy.models import MerchantAccount, OrderStatus, Payment, RefundState
from groupbuy.payments import reconciling, refunds
from groupbuy.payments.gateways import Misconfigured, accounts
from retail.models import Tenant
from retail.principals import Principal, principal_of
from retail.refusals import Forbidden, NotThere
from retail.rights import Role
from tests.support import factories
from tests.support.wechat import account_of, assert_sound, fresh, house_merchant, notify, own_merchant, packed, pay

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(fake_wechat, tenant):
    """The tenant brings its own merchant number and app."""
    Tenant.objects.filter(pk=tenant.pk).update(app_id=own_merchant(fake_wechat).app_id)
    tenant.refresh_from_db()
    account = account_of(tenant, own_merchant(fake_wechat))
    account.save()
    return account


def order_of(buyer, group_buying, app_id, now):
    factories.IdentityFactory(user=buyer, app_id=app_id)
    wish = orders.Wish(group_buying.pk, 1)
    return orders.create_order(principal=principal_of(buyer), buyer_id=None, wish=wish, now=now)


@pytest.fixture
def own_order(account, buyer, group_buying, now):
    return order_of(buyer, group_buying, account.tenant.app_id, now)


@pytest.fixture
def own_prepaid(own_order, buyer, now):
    return payments.start_payment(order_id=own_order.pk, principal=principal_of(buyer), now=now)


def test_a_tenants_own_number_takes_its_money(fake_wechat, own_order, own_prepaid):
    trade = fake_wechat.books.any_trade(own_prepaid.pre_pay_id)
    assert (trade.merchant.mch_id, trade.asked["appid"]) == ("1900000002", own_merchant(fake_wechat).app_id)
    assert notify(*packed(fake_wechat, pay(fake_wechat, own_prepaid.pre_pay_id))).status_code == 204
    assert fresh(own_order).status == OrderStatus.PAID
    assert_sound()


def test_a_tenant_without_one_uses_the_environments(fake_wechat, wechat_order, prepaid):
    assert fake_wechat.books.any_trade(prepaid.pre_pay_id).merchant is house_merchant(fake_wechat)


def test_a_payment_stays_with_its_number_when_the_tenant_brings_another(fake_wechat, wechat_order, prepaid, headquarters, now):
    """Its notification, its query and its refund go where the money is."""
    Tenant.objects.filter(pk=wechat_order.tenant_id).update(app_id=own_merchant(fake_wechat).app_id)
    account_of(wechat_order.tenant, own_merchant(fake_wechat)).save()
    pay(fake_wechat, prepaid.pre_pay_id)
    reconciling.reconcile_due(now=now + timedelta(seconds=30))
    assert fresh(wechat_order).status == OrderStatus.PAID
    wanted = refunds.refund_order(order_id=wechat_order.pk, amount=None, reason="", principal=principal_of(headquarters), now=now)
    refunds.send_due(now=now)
    assert fresh(wanted).state == RefundState.PROCESSING


def test_an_account_that_is_put_aside_still_refunds(fake_wechat, own_order, own_prepaid, account, now):
    notify(*packed(fake_wechat, pay(fake_wechat, own_prepaid.pre_pay_id)))
    MerchantAccount.objects.update(in_use=False)
    assert accounts.gateway_for(account.tenant).mch_id == "1900000001"
    assert accounts.gateway_of(Payment.objects.get()).mch_id == "1900000002"


def test_a_payment_whose_keys_are_gone_needs_a_person(fake_wechat, own_order, own_prepaid, buyer, now):
    MerchantAccount.objects.all().delete()
    with pytest.raises(Misconfigured):
        accounts.gateway_of(Payment.objects.get())
    answer = payments.check_payment(order_id=own_order.pk, principal=principal_of(buyer), now=now)
    assert (answer, fresh(own_order).status) == (703, OrderStatus.UNPAID)


def test_the_keys_are_not_readable_in_the_database(fake_wechat, account):
    with connection.cursor() as cursor:
        cursor.execute("SELECT private_key, api_v3_key FROM groupbuy_merchantaccount")
        stored = "".join(cursor.fetchone())
    assert "PRIVATE" not in stored
    assert account.api_v3_key not in stored
    assert MerchantAccount.objects.get().private_key == own_merchant(fake_wechat).private_pem


def test_a_tenant_uses_one_number_at_a_time(fake_wechat, account):
    second = account_of(account.tenant, house_merchant(fake_wechat))
    with pytest.raises(IntegrityError), transaction.atomic():
        second.save()
    second.in_use = False
    second.save()


@pytest.mark.parametrize("role", [Role.CLERK, Role.MANAGER, Role.BUYER, Role.ANONYMOUS])
def test_only_headquarters_sees_the_account(account, role):
    assert not MerchantAccount.objects.visible_to(Principal(role, tenant_id=account.tenant_id, shop_ids=None))
    of_its_own = Principal(Role.HEADQUARTERS, tenant_id=account.tenant_id, shop_ids=None)
    of_another = Principal(Role.HEADQUARTERS, tenant_id=account.tenant_id + 1, shop_ids=None)
    assert [MerchantAccount.objects.visible_to(who).count() for who in (of_its_own, of_another)] == [1, 0]


def test_trying_good_credentials_finds_nothing_wrong(fake_wechat, tenant):
    account = account_of(tenant, own_merchant(fake_wechat))
    assert accounts.try_credentials(account) == ""
    assert not MerchantAccount.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"cert_serial": "AB12"}, {"mch_id": "1999999999"}, {"api_v3_key": "short"}, {"private_key": "nonsense"}, {"public_key": ""}]
)
def test_trying_wrong_credentials_says_so_and_tells_no_key(fake_wechat, tenant, wrong):
    account = account_of(tenant, own_merchant(fake_wechat))
    for name, value in wrong.items():
        setattr(account, name, value)
    said = accounts.try_credentials(account)
    assert said.startswith("微信支付不接受这些密钥")
    assert account.private_key not in said


def test_trying_another_merchants_key_says_so(fake_wechat, tenant):
    account = account_of(tenant, own_merchant(fake_wechat), private_key=house_merchant(fake_wechat).private_pem)
    assert "SIGN_ERROR" in accounts.try_credentials(account)


def test_trying_while_wechat_is_away_says_that(fake_wechat, tenant):
    fake_wechat.control("fault", kind="status", status=500)
    assert accounts.try_credentials(account_of(tenant, own_merchant(fake_wechat))).startswith("暂时无法连接微信支付")


def test_a_merchant_shows_no_key_when_it_is_printed(fake_wechat, tenant):
    shown = repr(accounts.merchant_of_environment())
    assert "1900000001" in shown
    assert house_merchant(fake_wechat).api_v3_key not in shown
    assert "PRIVATE" not in shown


PLATFORM = Principal(Role.PLATFORM, None, None, None)


def confirm(account, now, principal=PLATFORM):
    return accounts.confirm_account(account_id=account.pk, principal=principal, now=now)


@pytest.fixture
def unconfirmed(account):
    MerchantAccount.objects.update(confirmed_at=None)
    return fresh(account)


def test_until_the_platform_confirms_it_money_goes_to_the_environments_number(fake_wechat, unconfirmed, now):
    assert accounts.gateway_for(unconfirmed.tenant).mch_id == "1900000001"
    confirm(unconfirmed, now)
    assert accounts.gateway_for(unconfirmed.tenant).mch_id == "1900000002"
    accounts.withdraw_confirmation(account_id=unconfirmed.pk, principal=PLATFORM)
    assert accounts.gateway_for(unconfirmed.tenant).mch_id == "1900000001"


def test_who_confirmed_it_and_when_is_kept(unconfirmed, superuser, now):
    confirm(unconfirmed, now, principal_of(superuser))
    assert (fresh(unconfirmed).confirmed_at, unconfirmed.confirmed_by) == (now, superuser)
    accounts.withdraw_confirmation(account_id=unconfirmed.pk, principal=principal_of(superuser))
    assert (fresh(unconfirmed).confirmed_at, unconfirmed.confirmed_by) == (None, None)


@pytest.mark.parametrize("role", [role for role in Role if role != Role.PLATFORM])
def test_nobody_but_the_platform_confirms_or_withdraws(account, now, role):
    caller = Principal(role, tenant_id=account.tenant_id, shop_ids=None)
    with pytest.raises(Forbidden):
        accounts.withdraw_confirmation(account_id=account.pk, principal=caller)
    MerchantAccount.objects.update(confirmed_at=None)
    with pytest.raises(Forbidden):
        confirm(account, now, caller)
    assert fresh(account).confirmed_at is None


def test_confirming_or_withdrawing_twice_is_refused(account, now):
    with pytest.raises(accounts.Confirmed):
        confirm(account, now)
    accounts.withdraw_confirmation(account_id=account.pk, principal=PLATFORM)
    with pytest.raises(accounts.NotConfirmed):
        accounts.withdraw_confirmation(account_id=account.pk, principal=PLATFORM)
    with pytest.raises(NotThere):
        accounts.withdraw_confirmation(account_id=account.pk + 1, principal=PLATFORM)


@pytest.mark.parametrize("theirs", [{"public_key_id": "PUB_KEY_ID_9"}, {"mch_id": "1900000009"}], ids=["number", "key id"])
def test_a_number_and_a_key_id_are_confirmed_once(fake_wechat, account, now, theirs):
    """Registering either keeps nobody from anything; of two one counts."""
    squatter = account_of(factories.TenantFactory(), own_merchant(fake_wechat), confirmed_at=None)
    for name, value in theirs.items():
        setattr(squatter, name, value)
    squatter.save()
    with pytest.raises(accounts.Taken):
        confirm(squatter, now)
    with pytest.raises(IntegrityError), transaction.atomic():
        MerchantAccount.objects.update(confirmed_at=now)
    accounts.withdraw_confirmation(account_id=account.pk, principal=PLATFORM)
    confirm(squatter, now)
    with pytest.raises(accounts.Taken):
        confirm(account, now)


def test_a_tenant_enters_a_number_once(fake_wechat, account):
    again = account_of(account.tenant, own_merchant(fake_wechat), in_use=False, confirmed_at=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        again.save()


@pytest.mark.parametrize("name", ["mch_id", "public_key_id"])
def test_what_names_the_environment_is_never_confirmed_and_never_counts(fake_wechat, account, now, name):
    MerchantAccount.objects.update(**{name: getattr(house_merchant(fake_wechat), name)})
    assert accounts.gateway_for(account.tenant).merchant == accounts.merchant_of_environment()
    assert [number.mch_id for number in accounts.merchant_numbers()] == ["1900000001"]
    MerchantAccount.objects.update(confirmed_at=None)
    with pytest.raises(accounts.OfEnvironment):
        confirm(account, now)


def test_keys_that_change_stay_confirmed_and_speak_for_this_tenants_payments_alone(fake_wechat, account, own_order, own_prepaid):
    """Keys rotate: whoever has the tenant's headquarters could forge its own payments only, which an audit finds."""
    MerchantAccount.objects.update(public_key_id="PUB_KEY_ID_NEW")
    assert fresh(account).confirmed_at is not None
    assert notify(*packed(fake_wechat, pay(fake_wechat, own_prepaid.pre_pay_id))).status_code == 401
    assert fresh(own_order).status == OrderStatus.UNPAID
