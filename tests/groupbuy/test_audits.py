"""The gateway is asked again about money that we hold as received: what it contradicts is found, and nothing is written."""

import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from groupbuy import payments
from groupbuy.fake_wechat import make_merchant
from groupbuy.models import Gateway, MerchantAccount, Payment, SandboxTrade, TradeState
from groupbuy.payments import audits, settling
from groupbuy.payments.gateways import Trade
from retail.dates import CHINA
from retail.principals import principal_of
from tests.support import factories
from tests.support.pages import ordered, underpay
from tests.support.pages import pay as pay_in_sandbox
from tests.support.wechat import account_of, fresh, notify, own_merchant, packed, pay

pytestmark = pytest.mark.django_db


def audit(*arguments, since="2020-01-01"):
    """The command's exit status."""
    try:
        call_command("audit_payments", "--since", since, *arguments)
    except CommandError as error:
        return error.returncode
    return 0


def forge(order, *, now, paid_at=None, total=None):
    """As whoever could write to us in WeChat's name."""
    payment = order.payments.get()
    forged = Trade(Gateway.WECHAT, payment.out_trade_no, TradeState.SUCCESS, total or payment.total, f"42{payment.pk}", paid_at or now)
    settling.settle(forged, source="notify", now=now)
    return fresh(payment)


@pytest.fixture
def honest(fake_wechat, wechat_order, prepaid):
    assert notify(*packed(fake_wechat, pay(fake_wechat, prepaid.pre_pay_id))).status_code == 204
    return wechat_order.payments.get()


def reading_only():
    """Inside, nothing is written."""

    def refuse(execute, sql, params, many, context):
        assert sql.lstrip().upper().startswith("SELECT"), sql
        return execute(sql, params, many, context)

    return connection.execute_wrapper(refuse)


def test_honest_money_is_sound_and_nothing_is_written(honest, capsys):
    with reading_only():
        assert audit() == 0
    assert capsys.readouterr().out == "1 as the gateway says, 0 wrong, 0 not known.\n"


def test_an_order_that_was_never_paid_is_found(wechat_order, prepaid, now, capsys):
    payment = forge(wechat_order, now=now)
    assert payment.use == "applied"
    assert audit() == 1
    said = capsys.readouterr().out
    assert f"WRONG payment {payment.pk} ({payment.out_trade_no}, 19.80, applied) of order {wechat_order}" in said
    assert "not paid at the gateway, which says NOTPAY" in said


def test_a_trade_that_the_gateway_does_not_know_is_found(fake_wechat, honest, capsys):
    fake_wechat.books.trades.clear()
    assert audit() == 1
    assert "the gateway doesn't know the trade" in capsys.readouterr().out


def test_another_amount_and_another_transaction_are_found(honest, capsys):
    Payment.objects.update(transaction_id="4200000000")
    assert audit() == 1
    assert "ours 4200000000" in capsys.readouterr().out
    Payment.objects.update(use="held", received=Decimal("19.79"))
    assert audit() == 1
    assert "the gateway received 19.80, we booked 19.79" in capsys.readouterr().out


def test_refunded_money_was_received_all_the_same(fake_wechat, honest, now):
    fake_wechat.books.any_trade(honest.out_trade_no).state = "REFUND"
    assert audit() == 0


def test_the_time_that_a_forger_wrote_hides_nothing(wechat_order, prepaid, now):
    """A message says when the money came; when we believed it, we say."""
    forge(wechat_order, now=now, paid_at=now - timedelta(days=400))
    today = now.astimezone(CHINA).date().isoformat()
    assert audit(since=today) == 1
    assert audit("--until", today, since=today) == 1
    yesterday, tomorrow = ((now.astimezone(CHINA) + timedelta(days=days)).date().isoformat() for days in (-1, 1))
    assert audit("--until", yesterday, since=yesterday) == 0
    assert audit(since=tomorrow) == 0


def test_a_gateway_that_does_not_answer_is_no_finding(fake_wechat, honest, capsys):
    fake_wechat.control("fault", kind="status", status=500)
    assert audit() == 2
    assert "0 as the gateway says, 0 wrong, 1 not known." in capsys.readouterr().out


def test_one_that_stalls_is_left_at_its_deadline(fake_wechat, honest, settings):
    settings.GATEWAY_SECONDS = settings.GATEWAY_SECONDS | {"request": 0.3}
    fake_wechat.control("fault", kind="stall", seconds=20)
    start = time.monotonic()
    assert audit() == 2
    assert time.monotonic() - start < 5


def test_after_some_silence_nobody_is_asked_any_more(fake_wechat, honest, tenant, group_buying, now, settings, capsys):
    """Thousands of calls that all wait for their deadline would take days."""
    for number in range(audits.GIVE_UP_AFTER + 2):
        order = ordered(factories.BuyerFactory(tenant=tenant), group_buying, now=now)
        Payment.objects.create(
            order=order, gateway="wechat", out_trade_no=f"N{number}", total=1, received=1, state="paid", use="held",
            received_at=now, parameters=honest.parameters,
        )  # fmt: skip
    settings.WECHAT_PAY_BASE_URL = "http://127.0.0.1:9"
    before = Payment.objects.count()
    assert audit("--sample", "all") == 2
    said = capsys.readouterr().out
    assert said.count("not known: payment") == audits.GIVE_UP_AFTER
    assert f"0 wrong, {before} not known." in said


def test_keys_that_read_no_answer_silence_their_own_number_alone(fake_wechat, honest, now, capsys):
    """Headquarters enter a key of WeChat's that isn't: no answer can be believed, and no other tenant's forged payment hides behind it."""
    own = own_merchant(fake_wechat)
    rogue = factories.GroupBuyingFactory(tenant__app_id=own.app_id)
    account = account_of(rogue.tenant, own)
    account.save()
    for _ in range(audits.GIVE_UP_AFTER + 1):
        person = factories.BuyerFactory(tenant=rogue.tenant)
        factories.IdentityFactory(user=person, app_id=own.app_id)
        order = ordered(person, rogue, now=now)
        payments.start_payment(order_id=order.pk, principal=principal_of(person), now=now)
        forge(order, now=now)
    account.public_key = make_merchant(mch_id=own.mch_id, app_id=own.app_id).public_pem
    account.save()
    forged = Payment.objects.create(
        order=honest.order, gateway="wechat", out_trade_no="NEVERPAID", total=1, received=1, state="paid", use="held",
        received_at=now, parameters=honest.parameters,
    )  # fmt: skip
    assert audit("--sample", "all") == 1
    said = capsys.readouterr().out
    assert f"WRONG payment {forged.pk}" in said
    assert said.count("not known: payment") == audits.GIVE_UP_AFTER
    assert f"1 as the gateway says, 1 wrong, {audits.GIVE_UP_AFTER + 1} not known." in said


def test_keys_that_are_gone_are_not_silence(fake_wechat, honest, wechat_order, now, capsys):
    MerchantAccount.objects.all().delete()
    Payment.objects.update(parameters=honest.parameters | {"mch_id": "1900000008"})
    assert audit() == 2
    assert "Misconfigured: there are no confirmed keys for merchant 1900000008" in capsys.readouterr().out


def test_the_sandbox_is_asked_too(buyer, group_buying, now, capsys):
    paid = pay_in_sandbox(ordered(buyer, group_buying, now=now), now=now)
    underpay(ordered(buyer, group_buying, now=now), now=now)
    with reading_only():
        assert audit() == 0
    assert "2 as the gateway says" in capsys.readouterr().out
    SandboxTrade.objects.filter(out_trade_no=paid.payments.get().out_trade_no).delete()
    assert audit() == 1
    assert "the gateway doesn't know the trade" in capsys.readouterr().out


def test_a_sample_and_one_tenant(buyer, group_buying, now, capsys):
    for _ in range(3):
        pay_in_sandbox(ordered(buyer, group_buying, now=now), now=now)
    other = factories.TenantFactory()
    for arguments, asked in {(): 3, ("--sample", "2"): 2, ("--sample", "all"): 3, ("--tenant", other.code): 0}.items():
        assert audit(*arguments) == 0
        assert f"{asked} as the gateway says" in capsys.readouterr().out
    assert audit("--tenant", buyer.tenant.code) == 0
    assert "3 as" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["--since", "yesterday"],
        ["--since", "0001-01-01"],
        ["--since", "9999-12-31"],
        ["--since", "2026-01-01", "--sample", "0"],
        ["--since", "2026-01-01", "--sample", "-1"],
        ["--since", "2026-01-01", "--sample", "²"],
        ["--since", "2026-01-01", "--tenant", "nobody"],
        ["--since", "2026-01-02", "--until", "2026-01-01"],
        [],
    ],
)
def test_wrong_arguments_are_told(arguments):
    with pytest.raises(CommandError):
        call_command("audit_payments", *arguments)
