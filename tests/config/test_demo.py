"""``manage.py demo``: what it makes, that it is sound, and that a repeated run only renews. Made once for all tests of this module."""

import re
from collections import Counter, defaultdict
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from itertools import pairwise

import pytest
from django.apps import apps
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from config import invariants
from config.demo import offers, people, renewing
from config.demo.rhythm import at, last_cut_off, next_cut_off
from groupbuy.models import (
    DeliverType,
    EventKind,
    GroupBuying,
    GroupBuyingImage,
    Order,
    OrderEvent,
    OrderStatus,
    Outcome,
    Payment,
    PaymentUse,
    Refund,
    SandboxRefund,
    Share,
    ShareVisitor,
    Stage,
    Visitor,
    VisitTimes,
)
from groupbuy.models.orders import BOUGHT
from groupbuy.models.stages import in_stage, stage_of, with_stage
from groupbuy.moves import MOVES
from groupbuy.orders import expiry, fulfilment, group_buyings, overdue
from groupbuy.payments import refunds
from groupbuy.payments.gateways.sandbox import SandboxGateway
from pricing.models import ChangeSource, MarketPrice, PriceLog, ShopProduct, StockFigure
from retail.models import Product, ProductClass, ProductImage, Tenant, User, WeChatIdentity
from retail.principals import principal_of
from retail.rights import Role
from shops.models import ConfigValue, Device, Licence, Shop, Stall

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def run_demo() -> str:
    written = StringIO()
    call_command("demo", stdout=written)
    return written.getvalue()


@pytest.fixture(scope="module", autouse=True)
def printed(django_db_setup, django_db_blocker):
    """What the first run prints; its rows last as long as this module."""
    with django_db_blocker.unblock(), transaction.atomic():
        output = run_demo()
        # Now, not again after every test.
        connection.check_constraints()
        yield output
        transaction.set_rollback(True)


@pytest.fixture
def demo() -> Tenant:
    return Tenant.objects.get(code="demo")


@pytest.fixture
def made_at(demo):
    return demo.created_at


def offered(kind: offers.Kind) -> GroupBuying:
    return GroupBuying.objects.get(name=next(offer.name for offer in offers.OFFERS if offer.kind == kind))


def row_counts() -> dict[str, int]:
    return {model._meta.label: model._default_manager.count() for model in apps.get_models()}


# --- What is there ---------------------------------------------------------------------------------------------


def test_two_tenants_with_their_shops(demo):
    assert dict(Tenant.objects.values_list("code", "app_id")) == {"demo": "wx-demo", "other": "wx-other"}
    assert demo.shops.count() == 12
    assert Shop.objects.filter(tenant__code="other").count() == 3
    assert all(shop.address and shop.phone and shop.lbs_point and shop.area and shop.markup for shop in Shop.objects.all())


def test_every_shop_has_stalls_tills_scales_and_a_licence(demo):
    for shop in Shop.objects.all():
        kinds = Counter(Device.objects.filter(shop=shop).values_list("device_type__code", flat=True))
        assert kinds == {"till": 2, "scale": 3}
        assert Stall.objects.filter(shop=shop).count() == 3
        assert Licence.objects.filter(shop=shop).exists()
    assert ConfigValue.objects.filter(tenant=demo, shop=None).exists()
    assert ConfigValue.objects.filter(tenant=demo).exclude(shop=None).exists()


def test_the_first_shop_is_licensed_and_its_key_not_yet_bound(demo):
    licence = demo.shops.order_by("code")[0].licence
    assert (licence.contract_ends_on - timezone.localdate()).days > 300
    assert licence.validity_key == ""


def test_about_260_real_products_each_with_class_code_barcode_price_and_picture(demo):
    products = Product.objects.filter(tenant=demo)
    assert 240 <= products.count() <= 280
    for product in products.select_related("product_class__parent").prefetch_related("images"):
        assert product.product_class.parent.name in ("水果", "蔬菜")
        assert product.price >= product.member_price > 0
        assert len(product.barcode) == 13
        assert product.pinyin
        assert product.images.count() == 1


def test_no_class_is_empty(demo):
    assert not ProductClass.objects.filter(tenant=demo, products=None, children=None).exists()


def test_every_shop_sells_every_product_at_its_own_price(demo):
    count = Product.objects.filter(tenant=demo).count()
    rows = ShopProduct.objects.filter(shop__tenant=demo)
    assert Counter(rows.values_list("shop__code", flat=True)) == {shop.code: count for shop in demo.shops.all()}
    mangoes = rows.filter(product__name="熟台农小芒果").values_list("price", flat=True)
    assert len(set(mangoes)) >= 6
    assert StockFigure.objects.filter(shop__tenant=demo).count() == rows.count()


def test_the_price_log_has_30_days_and_ends_yesterday(demo, made_at):
    yesterday = timezone.localdate(made_at) - timedelta(days=1)
    logs = PriceLog.objects.filter(shop__tenant=demo, change__source=ChangeSource.IMPORT)
    days = {timezone.localdate(moment) for moment in logs.values_list("created_at", flat=True)}
    assert max(days) == yesterday
    assert min(days) >= yesterday - timedelta(days=30)
    assert len(days) >= 25
    assert MarketPrice.objects.latest("on").on == yesterday


def test_300_buyers_with_different_nicknames_and_a_wechat_identity(demo):
    buyers = User.objects.buyers().filter(tenant=demo)
    assert buyers.count() == len(set(buyers.values_list("nickname", flat=True))) == 300
    assert WeChatIdentity.objects.filter(user__in=buyers, app_id="wx-demo").count() == 300
    assert not any(buyer.has_usable_password() for buyer in buyers[:3])


@pytest.mark.parametrize(
    ("username", "role", "tenant"),
    [
        ("admin", Role.PLATFORM, None),
        ("hq", Role.HEADQUARTERS, "demo"),
        ("manager", Role.MANAGER, "demo"),
        ("clerk", Role.CLERK, "demo"),
        ("other-hq", Role.HEADQUARTERS, "other"),
    ],
)
def test_accounts_with_the_printed_password(username, role, tenant):
    user = User.objects.get(username=username)
    assert user.check_password("demo-pass-2026")
    assert principal_of(user).role == role
    assert user.tenant_id is None if tenant is None else user.tenant.code == tenant


@pytest.mark.parametrize("username", ["manager", "clerk"])
def test_shop_staff_belong_to_the_first_shop(demo, username):
    first = demo.shops.order_by("pk")[0]
    assert principal_of(User.objects.get(username=username)).shop_ids == {first.pk}


def test_eight_group_buys_each_in_the_state_of_its_kind_and_their_earlier_rounds(made_at):
    assert [row.name for row in GroupBuying.objects.order_by("pk")[:8]] == [offer.name for offer in offers.OFFERS]
    assert GroupBuying.objects.filter(name__endswith="日截单", end_at__lte=made_at).count() == GroupBuying.objects.count() - 8 > 20
    left = {kind: offered(kind).stock for kind in offers.Kind}
    open_kinds = {kind for kind in offers.Kind if offered(kind).is_open(made_at)}
    assert open_kinds == set(offers.SELLING)
    assert left[offers.Kind.SOLD_OUT] == 0
    assert 0 < left[offers.Kind.NEARLY_SOLD_OUT] < 10
    assert offered(offers.Kind.NOT_STARTED).start_at > made_at
    assert offered(offers.Kind.ENDED).end_at < made_at
    assert not offered(offers.Kind.SWITCHED_OFF).in_use
    assert offered(offers.Kind.EXPRESS).deliver_type == DeliverType.EXPRESS
    assert offered(offers.Kind.PICK_UP).min_qty > 0


def test_2000_orders_over_all_nine_statuses():
    statuses = Counter(Order.objects.values_list("status", flat=True))
    assert statuses.total() == 2000
    assert set(statuses) == set(OrderStatus.values)
    assert min(statuses.values()) >= 3
    assert statuses.most_common(1)[0][0] == OrderStatus.COMPLETED


def test_what_sells_ends_at_the_next_cut_off_and_is_collected_after_it(made_at):
    for kind in offers.RENEWED:
        assert offered(kind).end_at == next_cut_off(made_at)
    for row in GroupBuying.objects.all():
        day_after = timezone.localdate(row.end_at) + timedelta(days=1)
        assert row.content
        if row.deliver_type == DeliverType.EXPRESS:
            assert (row.ships_on, row.pick_up_window) == (day_after, None)
        else:
            assert row.pick_up_window == (at(day_after, 16), at(day_after + timedelta(days=1), 20))


@pytest.mark.parametrize(
    ("clock", "evenings"), [((0, 0), (-1, 0)), ((20, 59), (-1, 0)), ((21, 0), (-1, 1)), ((21, 59), (-1, 1)), ((22, 0), (0, 1))]
)
def test_a_visitor_has_an_hour_until_the_cut_off(clock, evenings):
    today = timezone.localdate()
    now = at(today, *clock)
    assert (last_cut_off(now), next_cut_off(now)) == tuple(at(today + timedelta(days=days), 22) for days in evenings)


def test_what_a_group_buy_says_of_its_numbers_is_true():
    for offer in offers.OFFERS:
        said = {int(number) for number in re.findall(r"(?:满|首批) (\d+) [份盒]", offer.name + offer.description)}
        assert said <= {offer.min_qty, offer.quota}
    assert "十点截单" in offered(offers.Kind.RUNNING).description


def test_a_minimum_was_reached_declared_or_missed_as_the_outcome_says(made_at):
    decided = GroupBuying.objects.exclude(outcome=Outcome.OPEN)
    for row in decided:
        units = sum(order.qty for order in row.orders.filter(paid_at__lt=row.end_at).exclude(status=OrderStatus.REFUNDED))
        assert (units >= row.min_qty) == (row.outcome == Outcome.SUCCEEDED and row.declared_at is None)
    assert set(decided.values_list("outcome", flat=True)) == {Outcome.SUCCEEDED, Outcome.FAILED}
    assert decided.filter(declared_at__lt=made_at, declared_by__isnull=False).count() == 1


def test_orders_in_every_stage_that_lasts_and_the_regular_has_one_of_nearly_each(made_at):
    passing = {Stage.TOO_LATE, Stage.HELD, Stage.REFUNDING}
    there = set(with_stage(Order.objects.all(), made_at).values_list("stage", flat=True))
    assert there == set(Stage) - passing
    hers = Order.objects.filter(buyer__nickname=people.REGULAR)
    assert set(with_stage(hers, made_at).values_list("stage", flat=True)) == there - {Stage.PAY_FAILED}
    assert WeChatIdentity.objects.get(user__nickname=people.REGULAR).open_id == "sandbox-xiaomei"


def test_what_nobody_fetched_was_reminded_of_extended_or_ended_with_a_reason(made_at):
    late = in_stage(Order.objects.all(), Stage.OVERDUE, now=made_at)
    assert {min(late.values_list("reminders", flat=True)), max(late.values_list("reminders", flat=True))} <= {1, 2, 3}
    assert late.filter(reminders=3).exists()
    extended = Order.objects.filter(pick_up_until__isnull=False)
    assert {bool(order.pick_up_until > made_at) for order in extended} == {True, False}
    assert all(order.events.filter(kind=EventKind.DATES).count() == 1 for order in extended)
    for order in Order.objects.filter(reminders__gt=0):
        assert order.events.filter(kind=EventKind.REMINDED).count() == order.reminders
    ended = OrderEvent.objects.filter(to_status=OrderStatus.COMPLETED, reason__startswith=overdue.Ending.SPOILED.label)
    assert [event.order.reminders for event in ended] == [3]


def test_a_hand_over_is_a_fact_with_its_person_and_its_row():
    collected = Order.objects.filter(handed_over_at__isnull=False)
    assert collected.count() > 800
    rows = dict(OrderEvent.objects.filter(kind=EventKind.HANDED_OVER).values_list("order", "created_at"))
    assert rows == dict(collected.values_list("pk", "handed_over_at"))
    assert not collected.filter(handed_over_by=None).exists()
    own = OrderEvent.objects.filter(to_status=OrderStatus.COMPLETED, actor_kind="buyer", order__deliver_type=DeliverType.PICK_UP)
    assert {event.order.shop.code for event in own.select_related("order__shop")} == {"SH03"}


def test_a_parcel_that_nobody_confirms_completes_itself_after_ten_days():
    by_itself = OrderEvent.objects.filter(to_status=OrderStatus.COMPLETED, actor_kind="system").select_related("order")
    assert {event.created_at - event.order.shipped_at for event in by_itself} == {timedelta(days=10)}
    assert all(event.order.deliver_type == DeliverType.EXPRESS for event in by_itself)


def test_the_ended_group_buy_has_only_orders_that_are_over():
    over = {OrderStatus.COMPLETED, OrderStatus.REFUNDED, OrderStatus.EXPIRED, OrderStatus.CLOSED}
    assert set(offered(offers.Kind.ENDED).orders.values_list("status", flat=True)) <= over


def test_people_buy_by_day_and_not_in_the_future(made_at):
    hours = Counter(timezone.localtime(moment).hour for moment in Order.objects.values_list("created_at", flat=True))
    assert sum(hours[hour] for hour in (18, 19, 20)) > 5 * sum(hours[hour] for hour in (1, 2, 3, 4))
    assert Order.objects.latest("created_at").created_at <= made_at
    assert OrderEvent.objects.latest("created_at").created_at <= made_at
    assert Order.objects.filter(created_at__gt=made_at - timedelta(days=2)).count() > 50


def test_visits_and_shares_of_every_group_buy_that_sold():
    for group_buying in GroupBuying.objects.filter(last_sequence__gt=0):
        visitors = Visitor.objects.filter(group_buying=group_buying)
        assert {order.buyer_id for order in group_buying.orders.all()} <= {visitor.user_id for visitor in visitors}
        assert VisitTimes.objects.get(group_buying=group_buying).times >= visitors.count()
        assert Share.objects.filter(group_buying=group_buying).exists()
    assert ShareVisitor.objects.count() > 100


def test_every_picture_is_a_file():
    names = {row.image.name for model in (ProductImage, GroupBuyingImage, Shop) for row in model.objects.all()}
    assert len(names) > 80
    assert all(default_storage.exists(name) for name in names)


# --- That it is sound ------------------------------------------------------------------------------------------


def test_doctor_finds_nothing():
    assert list(invariants.findings()) == []


def test_taken_is_what_orders_hold_and_sequences_have_no_gap():
    for group_buying in GroupBuying.objects.prefetch_related("orders"):
        orders = group_buying.orders.all()
        assert group_buying.taken == sum(order.qty for order in orders if order.holds_stock) <= group_buying.quota
        assert sorted(order.sequence for order in orders) == list(range(1, group_buying.last_sequence + 1))


def test_money_received_is_applied_or_went_back():
    applied = {payment.order_id: payment for payment in Payment.objects.filter(use=PaymentUse.APPLIED)}
    for order in Order.objects.filter(status__in=BOUGHT):
        assert applied[order.pk].received == order.money
    assert not {order.pk for order in Order.objects.filter(status__in=(0, 5, 6, 7))} & set(applied)
    back = defaultdict(Decimal)
    for refund in Refund.objects.select_related("payment"):
        back[refund.payment] += refund.amount
    assert all(amount <= payment.received for payment, amount in back.items())
    assert all(back[payment] == payment.received for payment in Payment.objects.filter(use=PaymentUse.SURPLUS))
    whole = {payment.order_id for payment, amount in back.items() if amount == payment.received}
    assert whole == set(Order.objects.filter(status=OrderStatus.REFUNDED).values_list("pk", flat=True))


def test_some_refunds_are_partial_and_some_come_from_the_worker():
    assert Refund.objects.filter(payment__order__status=OrderStatus.COMPLETED).count() > 5
    assert Refund.objects.filter(payment__use=PaymentUse.SURPLUS, user=None).count() == 3


def test_timelines_go_by_the_machine_and_forward_in_time():
    timelines = defaultdict(list)
    for event in OrderEvent.objects.order_by("pk"):
        timelines[event.order_id].append(event)
    for order in Order.objects.all():
        first, *_rest = events = timelines[order.pk]
        assert (first.from_status, first.to_status, first.created_at) == (None, OrderStatus.UNPAID, order.created_at)
        assert events[-1].to_status == order.status
        for before, after in pairwise(events):
            assert before.to_status == after.from_status
            step = (after.from_status, after.to_status)
            assert step in MOVES if after.kind == EventKind.MOVE else step == (before.to_status, before.to_status)
            assert before.created_at <= after.created_at


def test_price_logs_are_a_chain_that_ends_at_the_price():
    logs = defaultdict(list)
    for log in PriceLog.objects.order_by("pk"):
        logs[log.shop_product_id].append(log)
    prices = dict(ShopProduct.objects.values_list("pk", "price"))
    for pk, own in logs.items():
        assert all(before.new_price == after.old_price and before.created_at < after.created_at for before, after in pairwise(own))
        assert own[-1].new_price == prices[pk]


def test_the_sandbox_bank_has_the_same_books():
    bank = SandboxGateway()
    for payment in Payment.objects.exclude(use=PaymentUse.APPLIED):
        assert bank.query(payment.out_trade_no).total == payment.total
    for payment in Payment.objects.filter(use=PaymentUse.APPLIED)[:50]:
        trade = bank.query(payment.out_trade_no)
        assert (trade.total, trade.transaction_id, trade.paid_at) == (payment.received, payment.transaction_id, payment.received_at)
    assert set(SandboxRefund.objects.values_list("out_refund_no", "amount")) == set(Refund.objects.values_list("out_refund_no", "amount"))


def test_the_worker_has_nothing_to_catch_up_with(made_at):
    jobs = (
        expiry.expire_due,
        refunds.send_due,
        group_buyings.decide_due,
        group_buyings.carry_out_due,
        fulfilment.complete_due,
        overdue.remind_due,
    )
    assert [job(now=made_at) for job in jobs] == [0] * len(jobs)


# --- A repeated run --------------------------------------------------------------------------------------------


def test_a_run_prints_the_accounts_and_the_keys_of_the_first_shop(demo, printed):
    first = demo.shops.order_by("pk")[0]
    assert f"appKey={first.app_key} appSecret={first.app_secret}\n" in printed
    assert re.search(rf"admin, hq, manager, clerk, other-hq.*{people.PASSWORD}", printed)
    assert len(printed.splitlines()) == 2


def test_a_second_run_adds_nothing_and_prints_the_same(printed):
    before = row_counts()
    assert run_demo() == printed
    assert row_counts() == before


def test_a_run_after_40_days_brings_the_sold_back_to_life(demo):
    later = timezone.now() - timedelta(days=40)
    GroupBuying.objects.filter(end_at__gt=timezone.now()).update(end_at=timezone.now() - timedelta(days=1), start_at=later)
    run_demo()
    cut_off = next_cut_off(timezone.now())
    for kind in offers.RENEWED:
        assert offered(kind).end_at == cut_off
    assert offered(offers.Kind.NOT_STARTED).start_at > timezone.now()
    assert offered(offers.Kind.ENDED).end_at < timezone.now()


@pytest.fixture
def three_days_later(demo, made_at):
    """The next start of the demo, on the morning after the last time for collecting."""
    now = offered(offers.Kind.RUNNING).pick_up_until + timedelta(hours=15)
    renewing.renew(tenant=demo, now=now)
    return now


def test_three_days_later_the_shops_have_done_their_work(three_days_later):
    assert list(invariants.findings()) == []
    now = three_days_later
    for order in Order.objects.filter(status__in=(OrderStatus.PAID, OrderStatus.CONFIRMED)).select_related("group_buying"):
        assert stage_of(order, now) == Stage.GATHERING, order
    late = in_stage(Order.objects.all(), Stage.OVERDUE, now=now)
    assert 0 < late.exclude(buyer__nickname=people.REGULAR).count() < 30
    assert late.filter(buyer__nickname=people.REGULAR).exists()
    assert OrderEvent.objects.latest("created_at").created_at <= now


def test_who_bought_keeps_the_dates_that_were_promised(demo, made_at):
    mango, yam = offered(offers.Kind.RUNNING), offered(offers.Kind.PICK_UP)
    renewing.renew(tenant=demo, now=mango.end_at + timedelta(hours=1))
    kept = [order for order in mango.orders.select_related("group_buying") if order.status in BOUGHT]
    assert {order.pick_up_window for order in kept} == {mango.pick_up_window}
    assert {stage_of(order, mango.end_at) for order in kept} == {Stage.CONFIRMED}
    assert offered(offers.Kind.RUNNING).pick_up_from == mango.pick_up_from + timedelta(days=1)
    # Nobody has promised yams for certain: they may still not come.
    waiting = yam.orders.filter(status=OrderStatus.PAID)
    assert not waiting.exclude(pick_up_from=None).exists()
    assert OrderEvent.objects.filter(order__in=waiting, kind=EventKind.DATES).count() == waiting.count() > 0


def test_a_visitors_order_arrives_and_waits(demo, made_at):
    order = offered(offers.Kind.RUNNING).orders.filter(status=OrderStatus.PAID).exclude(buyer__nickname=people.REGULAR)[0]
    Order.objects.filter(pk=order.pk).update(created_at=timezone.now())
    renewing.renew(tenant=demo, now=at(timezone.localdate(made_at) + timedelta(days=6), 13))
    order.refresh_from_db()
    assert (order.status, order.handed_over_at) == (OrderStatus.SHIPPED, None)


def test_what_was_decided_meanwhile_begins_again(demo, made_at):
    yam = offered(offers.Kind.PICK_UP)
    GroupBuying.objects.filter(pk=yam.pk).update(outcome=Outcome.FAILED, decided_at=yam.end_at)
    renewing.renew(tenant=demo, now=yam.end_at + timedelta(hours=1))
    old, new = GroupBuying.objects.filter(name=yam.name).order_by("pk")
    assert (old.pk, old.outcome) == (yam.pk, Outcome.FAILED)
    assert (new.outcome, new.taken, new.end_at) == (Outcome.OPEN, 0, yam.end_at + timedelta(days=1))
    assert new.pick_up_from == yam.pick_up_from + timedelta(days=1)
    assert [image.image.name for image in new.images.all()] == [image.image.name for image in yam.images.all()]
    renewing.renew(tenant=demo, now=yam.end_at + timedelta(hours=2))
    assert GroupBuying.objects.filter(name=yam.name).count() == 2


def test_what_people_changed_stays(demo):
    mango = offered(offers.Kind.RUNNING)
    far = timezone.now() + timedelta(days=90)
    GroupBuying.objects.filter(pk=mango.pk).update(price="19.90", end_at=far)
    demo.shops.filter(code="SH02").update(name="大宁二店")
    manager = User.objects.get(username="manager")
    manager.set_password("another-pass-2026")
    manager.save()
    run_demo()
    mango.refresh_from_db()
    manager.refresh_from_db()
    assert (mango.price, mango.end_at) == (Decimal("19.90"), far)
    assert demo.shops.get(code="SH02").name == "大宁二店"
    assert manager.check_password("another-pass-2026")


def test_a_picture_that_was_lost_comes_back():
    lost = ProductImage.objects.first().image.name
    default_storage.delete(lost)
    run_demo()
    assert default_storage.exists(lost)


def test_without_demo_or_debug_it_refuses(settings):
    settings.DEMO = settings.DEBUG = False
    with pytest.raises(CommandError, match="DEMO=on"):
        run_demo()


def test_a_tenant_of_somebody_else_is_left_alone(demo):
    Shop.objects.filter(tenant=demo, code="SH01").update(code="own")
    with pytest.raises(CommandError, match="Another tenant"):
        run_demo()


def test_a_taken_app_id_is_said_and_nothing_is_made(demo):
    Tenant.objects.filter(pk=demo.pk).update(code="own")
    before = row_counts()
    with pytest.raises(CommandError, match="appId"):
        run_demo()
    assert row_counts() == before


def test_a_taken_user_name_is_said_and_nothing_is_made():
    Tenant.objects.filter(code="demo").update(code="own", app_id="wx-own")
    Tenant.objects.filter(code="other").update(code="own-too", app_id="wx-own-too")
    before = row_counts()
    with pytest.raises(CommandError, match="user name hq is taken"):
        run_demo()
    assert row_counts() == before
