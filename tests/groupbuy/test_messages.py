"""What buyers are told by subscription messages, over HTTP to the fake WeChat."""

from datetime import timedelta
from decimal import Decimal

import pytest

from config import schedule
from groupbuy import moves
from groupbuy.models import CONSENTS_MAX, Consent, GroupBuying, Order, OrderStatus, Outcome, Refund
from groupbuy.notices import consents, messages, shipping
from groupbuy.notices.messages import Kind
from groupbuy.orders import fulfilment, group_buyings, hand_over
from groupbuy.payments import refunds
from retail import outbox
from retail.models import OutboxEntry
from retail.principals import principal_of
from retail.refusals import Forbidden
from shops.models import ConfigItem, ConfigValue
from tests.support import factories
from tests.support.races import at_once
from tests.support.wechat import assert_sound, fresh, notify, packed, pay

pytestmark = pytest.mark.django_db
SEND = "subscribe/send"
FIELDS = "thing1=商品 amount2=金额 character_string3=订单号 time4=时间 thing5=说明"


@pytest.fixture(autouse=True)
def templates(db, request):
    """A template for every kind, as headquarters enters them."""
    if "no_templates" in request.keywords:
        return
    tenant = request.getfixturevalue("tenant")
    for kind in Kind:
        configure(tenant, f"message_{kind}", f"T-{kind} {FIELDS}")


def configure(tenant, code, value):
    item = ConfigItem.objects.get(code=code)
    ConfigValue.objects.update_or_create(item=item, tenant=tenant, shop=None, defaults={"value": value})


@pytest.fixture
def paid(fake_wechat, wechat_order, prepaid) -> Order:
    assert notify(*packed(fake_wechat, pay(fake_wechat, prepaid.pre_pay_id))).status_code == 204
    return fresh(wechat_order)


@pytest.fixture
def staff(headquarters):
    return principal_of(headquarters)


def run(now):
    service, _seconds = schedule.JOBS["outbox"]
    # The notification had a time of its own.
    return service(now=now + timedelta(seconds=5))


def told(fake) -> dict[str, dict[str, str]]:
    """By template, what its fields said; nothing was said twice."""
    found = {message["template_id"]: {name: field["value"] for name, field in message["data"].items()} for message in fake.books.messages}
    assert len(found) == len(fake.books.messages)
    return found


def test_the_buyer_hears_of_the_payment(fake_wechat, paid, wechat_buyer, tenant, now):
    configure(tenant, "message_page", "pages/order?id={id}")
    run(now)
    [message] = fake_wechat.books.messages
    assert message["touser"] == wechat_buyer.wechat_identities.get().open_id
    assert message["page"] == f"pages/order?id={paid.pk}"
    fields = told(fake_wechat)["T-paid"]
    assert fields["thing1"] == paid.product_name
    assert (fields["amount2"], fields["character_string3"]) == ("19.80元", paid.code)
    assert paid.deliver_code not in str(message)


def test_the_buyer_hears_of_the_arrival_and_never_reads_the_code(fake_wechat, paid, staff, now):
    fulfilment.deliver_orders(order_ids=[paid.pk], principal=staff, now=now)
    run(now)
    assert told(fake_wechat).keys() == {"T-arrived"}
    assert paid.deliver_code not in str(fake_wechat.books.messages)


def test_everybody_in_a_group_buy_that_succeeded_hears_of_it(fake_wechat, paid, now):
    run(now)
    GroupBuying.objects.update(min_qty=2, end_at=now - timedelta(seconds=1))
    group_buyings.decide_due(now=now)
    group_buyings.carry_out_due(now=now)
    run(now)
    assert told(fake_wechat).keys() == {"T-paid", "T-succeeded"}


def test_a_person_who_confirms_an_order_decides_nothing_about_the_group(fake_wechat, paid, staff, now):
    fulfilment.confirm_orders(order_ids=[paid.pk], principal=staff, now=now)
    run(now)
    assert told(fake_wechat).keys() == {"T-paid"}


@pytest.mark.parametrize(
    ("outcome", "words"), [(Outcome.FAILED, "未成团，款项将原路退回"), (Outcome.CANCELLED, "团购已取消，款项将原路退回")]
)
def test_a_group_buy_that_did_not_come_about_is_told_and_then_the_refund(fake_wechat, paid, now, outcome, words):
    group_buyings.conclude(paid.group_buying, outcome, now=now)
    group_buyings.carry_out_due(now=now)
    run(now)
    assert told(fake_wechat)["T-failed"]["thing5"] == words
    refunds.send_due(now=now)
    fake_wechat.control("finish_refund", number=Refund.objects.get().out_refund_no)
    refunds.send_due(now=now + timedelta(minutes=5))
    run(now + timedelta(minutes=5))
    assert told(fake_wechat).keys() == {"T-failed", "T-refunded"}
    assert told(fake_wechat)["T-refunded"]["amount2"] == "19.80元"
    assert_sound()


def test_each_partial_refund_is_told_with_its_sum(fake_wechat, paid, staff, now):
    for number, amount in enumerate(("5.00", "6.00")):
        later = now + timedelta(minutes=number)
        refund = refunds.refund_order(order_id=paid.pk, amount=Decimal(amount), reason="", principal=staff, now=later)
        refunds.send_due(now=later)
        fake_wechat.control("finish_refund", number=refund.out_refund_no)
    refunds.send_due(now=now + timedelta(hours=1))
    run(now + timedelta(hours=1))
    sums = [message["data"]["amount2"]["value"] for message in fake_wechat.books.messages if message["template_id"] == "T-refunded"]
    assert sorted(sums) == ["5.00元", "6.00元"]


@pytest.mark.no_templates
def test_without_a_template_only_what_must_be_known_is_written_down(fake_wechat, paid, staff, now):
    fulfilment.deliver_orders(order_ids=[paid.pk], principal=staff, now=now)
    assert set(OutboxEntry.objects.values_list("kind", flat=True)) == {"shipping", "arrived"}
    run(now)
    arrived = OutboxEntry.objects.get(kind="arrived")
    assert (arrived.state, arrived.note) == ("dropped", "没有配置消息模板")


def test_a_shops_own_template_goes_before_the_tenants(fake_wechat, wechat_order, prepaid, shop, now):
    item = ConfigItem.objects.get(code="message_paid")
    ConfigValue.objects.create(item=item, tenant=shop.tenant, shop=shop, value="T-own thing1=门店")
    notify(*packed(fake_wechat, pay(fake_wechat, prepaid.pre_pay_id)))
    run(now)
    assert told(fake_wechat) == {"T-own": {"thing1": shop.name}}


def test_without_the_wechat_login_only_what_must_be_known_is_written_down(settings, wechat_buyer, paid, staff, now):
    OutboxEntry.objects.all().delete()
    settings.LOGIN_PROVIDER = "sandbox"
    fulfilment.deliver_orders(order_ids=[paid.pk], principal=staff, now=now)
    run(now)
    assert list(OutboxEntry.objects.values_list("kind", "state", "note")) == [("arrived", "dropped", "未接入微信小程序")]


def test_what_is_no_longer_true_is_not_told(fake_wechat, paid, staff, shop, now):
    fulfilment.deliver_orders(order_ids=[paid.pk], principal=staff, now=now)
    hand_over.verify_code(shop_id=shop.pk, code=paid.deliver_code, principal=staff, now=now)
    run(now)
    assert fake_wechat.books.messages == []
    assert set(OutboxEntry.objects.exclude(kind="shipping").values_list("state", flat=True)) == {"dropped"}


def test_nobody_is_told_to_fetch_what_is_being_refunded(fake_wechat, paid, staff, now):
    fulfilment.deliver_orders(order_ids=[paid.pk], principal=staff, now=now)
    refunds.refund_order(order_id=paid.pk, amount=None, reason="", principal=staff, now=now)
    run(now)
    assert fake_wechat.books.messages == []


def test_who_did_not_subscribe_is_no_failure(fake_wechat, paid, wechat_buyer, now):
    wechat_buyer.wechat_identities.update(open_id="refuses-all")
    run(now)
    assert list(OutboxEntry.objects.values_list("state", "note")) == [("dropped", "顾客未同意接收")]


def test_a_buyer_without_the_app_is_no_failure(fake_wechat, paid, wechat_buyer, now):
    wechat_buyer.wechat_identities.all().delete()
    run(now)
    assert OutboxEntry.objects.get().state == "dropped"


@pytest.mark.parametrize(
    "fault",
    [{"kind": "lost"}, {"kind": "status", "status": 502}, {"kind": "html", "status": 200}, {"kind": "truncated"}, {"kind": "reset"}],
    ids=str,
)
def test_a_message_whose_fate_is_unknown_is_never_sent_by_itself_again(fake_wechat, paid, now, fault):
    fake_wechat.control("fault", path=SEND, **fault)
    for hours in range(3):
        run(now + timedelta(hours=hours))
    assert OutboxEntry.objects.get().state == "given_up"
    assert fake_wechat.books.requests[f"POST /cgi-bin/message/{SEND}"] == 1


@pytest.mark.parametrize("fault", [{"kind": "errcode", "code": "-1"}, {"kind": "errcode", "code": "45009"}], ids=str)
def test_a_message_that_wechat_did_not_take_is_sent_later(fake_wechat, paid, now, fault):
    fake_wechat.control("fault", path=SEND, **fault)
    run(now)
    run(now + timedelta(minutes=1))
    assert told(fake_wechat).keys() == {"T-paid"}


@pytest.mark.parametrize("fault", [{"kind": "lost"}, {"kind": "status"}, {"kind": "html", "status": 200}], ids=str)
def test_without_a_token_nothing_was_sent_so_it_is_sent_later(fake_wechat, paid, now, fault):
    fake_wechat.control("fault", path="stable_token", **fault)
    run(now)
    run(now + timedelta(minutes=1))
    assert told(fake_wechat).keys() == {"T-paid"}


def test_when_nobody_listens_it_is_sent_later(fake_wechat, paid, settings, now):
    run(now)
    OutboxEntry.objects.update(state="waiting", next_try_at=now)
    fake_wechat.books.messages.clear()
    url, settings.WECHAT_API_BASE_URL = settings.WECHAT_API_BASE_URL, "http://127.0.0.1:9"
    run(now)
    assert OutboxEntry.objects.get().state == "waiting"
    settings.WECHAT_API_BASE_URL = url
    run(now + timedelta(hours=1))
    assert told(fake_wechat).keys() == {"T-paid"}


@pytest.mark.parametrize("text", ["T-paid", "T-paid thing1", "T-paid thing1=取货码", "T-paid thing1=商品 x"])
def test_a_template_that_can_not_be_read_waits_for_a_person(fake_wechat, paid, tenant, now, text):
    configure(tenant, "message_paid", text)
    run(now)
    assert OutboxEntry.objects.get().state == "given_up"
    assert "消息模板的配置有误" in OutboxEntry.objects.get().note


def test_long_words_are_cut_to_what_wechat_takes(fake_wechat, paid, now):
    Order.objects.update(product_name="果" * 50)
    run(now)
    assert told(fake_wechat)["T-paid"]["thing1"] == "果" * 20


def test_every_remark_fits_its_field(paid):
    assert all(len(str(messages.remark_of(kind, paid))) <= 20 for kind in Kind)


def test_every_kind_has_its_sender_and_its_setting():
    assert schedule.SENDERS.keys() == {*shipping.SENDERS, *Kind.values}
    assert {f"message_{kind}" for kind in Kind} <= set(ConfigItem.objects.values_list("code", flat=True))


def test_a_message_is_written_with_its_move_or_not_at_all(fake_wechat, paid, now):
    OutboxEntry.objects.all().delete()
    stale = Order.objects.get(pk=paid.pk)
    Order.objects.update(status=OrderStatus.CONFIRMED)
    with pytest.raises(moves.SomebodyWasFirst):
        moves.move(stale, OrderStatus.SHIPPED, actor=moves.SYSTEM, now=now)
    assert not OutboxEntry.objects.exists()


def agree(caller, now, template="T-paid", accepted=True):
    consents.save(template_id=template, accepted=accepted, principal=caller, now=now)


def left(buyer, template="T-paid") -> int:
    return Consent.objects.get(user=buyer, template_id=template).left


def tried(fake) -> int:
    return fake.books.requests[f"POST /cgi-bin/message/{SEND}"]


def test_each_yes_is_one_message_more_and_a_no_takes_none_back(wechat_caller, wechat_buyer, now):
    for accepted in (True, False, True):
        agree(wechat_caller, now, accepted=accepted)
    assert left(wechat_buyer) == 2


def test_more_than_a_shop_has_to_say_is_not_counted(wechat_caller, wechat_buyer, now):
    for _ in range(CONSENTS_MAX + 2):
        agree(wechat_caller, now)
    assert left(wechat_buyer) == CONSENTS_MAX


def test_a_template_of_another_tenant_is_refused(wechat_caller, now):
    configure(factories.TenantFactory(), "message_paid", f"T-theirs {FIELDS}")
    for template in ("T-theirs", "thing1=商品", ""):
        with pytest.raises(consents.UnknownTemplate):
            agree(wechat_caller, now, template)
    assert not Consent.objects.exists()


def test_only_buyers_consent(staff, now):
    with pytest.raises(Forbidden):
        agree(staff, now)


def test_a_message_takes_one_consent_and_without_one_nobody_is_asked(fake_wechat, wechat_order, prepaid, wechat_caller, wechat_buyer, now):
    agree(wechat_caller, now)
    paid = prepaid and notify(*packed(fake_wechat, pay(fake_wechat, prepaid.pre_pay_id)))
    assert paid.status_code == 204
    run(now)
    assert (left(wechat_buyer), tried(fake_wechat)) == (0, 1)
    OutboxEntry.objects.update(state="waiting", next_try_at=now, sent_at=None)
    run(now)
    assert (tried(fake_wechat), OutboxEntry.objects.get().note) == (1, "顾客未同意接收")


def test_wechats_no_ends_what_was_counted(fake_wechat, paid, wechat_caller, wechat_buyer, now):
    wechat_buyer.wechat_identities.update(open_id="refuses-all")
    for _ in range(3):
        agree(wechat_caller, now)
    run(now)
    assert (left(wechat_buyer), OutboxEntry.objects.get().note) == (0, "顾客未同意接收")


@pytest.mark.parametrize(
    ("fault", "remaining"),
    [({"kind": "errcode", "code": "45009"}, 1), ({"kind": "errcode", "code": "47003"}, 1), ({"kind": "lost"}, 0)],
    ids=str,
)
def test_a_consent_is_used_up_unless_the_message_surely_did_not_go_out(
    fake_wechat, paid, wechat_caller, wechat_buyer, now, fault, remaining
):
    agree(wechat_caller, now)
    fake_wechat.control("fault", path=SEND, **fault)
    run(now)
    assert left(wechat_buyer) == remaining


def test_whose_consents_are_not_counted_is_written_to_as_ever(fake_wechat, paid, now):
    run(now)
    assert (tried(fake_wechat), Consent.objects.count()) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_of_messages_at_once_no_more_go_out_than_were_agreed_to(fake_wechat, paid, wechat_caller, wechat_buyer, now):
    at_once(lambda _: agree(wechat_caller, now), range(3), threads=3)
    assert left(wechat_buyer) == 3
    entry = OutboxEntry.objects.select_related("tenant").get()

    def send(_):
        try:
            messages.send(entry)
        except outbox.NotNeeded:
            return False
        return True

    assert at_once(send, range(8), threads=8).count(True) == 3
    assert (tried(fake_wechat), left(wechat_buyer)) == (3, 0)
