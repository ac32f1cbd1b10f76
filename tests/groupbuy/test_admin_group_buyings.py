"""Writing, switching, ending and cancelling group buys in the admin."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from django.utils.formats import localize

from groupbuy.models import GroupBuying, GroupBuyingImage, Outcome
from tests.retail.test_pictures import drawn
from tests.support import factories
from tests.support.back_office import answered, edit, page, said
from tests.support.pages import browser_of, ordered, pay, words

pytestmark = pytest.mark.django_db
LIST = "/admin/groupbuy/groupbuying/"
ADD = f"{LIST}add/"
NO_IMAGES = {"images-TOTAL_FORMS": 0, "images-INITIAL_FORMS": 0}


def moment(name, at):
    local = timezone.localtime(at)
    return {f"{name}_0": f"{local:%Y-%m-%d}", f"{name}_1": f"{local:%H:%M:%S}"}


def form_of(shop, product, now, **values):
    form = {"name": "周五草莓团", "shop": shop.pk, "product": product.pk, "price": "19.90", "quota": 50, "in_use": "on"}
    form |= {"deliver_type": 1, "per_buyer_limit": 2, "min_qty": 10}
    return NO_IMAGES | form | moment("start_at", now) | moment("end_at", now + timedelta(days=2)) | values


def edit_of(group_buying, **values):
    return form_of(group_buying.shop, group_buying.product, timezone.now(), per_buyer_limit=0, min_qty=0, quota=100) | values


@pytest.fixture
def product(shop):
    return factories.ProductFactory(tenant=shop.tenant)


def errors(answer):
    return answer.context["adminform"].form.errors


def test_a_manager_writes_down_a_group_buy_with_pictures(manager, shop, product, now):
    image = SimpleUploadedFile("a.png", drawn("PNG"), "image/png")
    form = form_of(shop, product, now) | {"images-TOTAL_FORMS": 1, "images-0-image": image, "images-0-sort": 1}
    browser_of(manager).post(ADD, form)
    made = GroupBuying.objects.get()
    assert (made.tenant, made.creator, str(made.price), made.quota, made.min_qty) == (shop.tenant, manager, "19.90", 50, 10)
    assert (made.address, made.spec) == (shop.address, product.spec)
    assert GroupBuyingImage.objects.get().group_buying == made


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"price": "0"}, "price"),
        ({"price": "-1"}, "price"),
        ({"quota": "0"}, "quota"),
        ({"min_qty": "51"}, "min_qty"),
        ({"per_buyer_limit": "51"}, "per_buyer_limit"),
        ({"deliver_type": "3"}, "deliver_type"),
        ({"end_at_0": "2020-01-01"}, "end_at"),
        ({"name": ""}, "name"),
    ],
)
def test_nonsense_is_refused_beside_its_field(manager, shop, product, now, values, field):
    answer = browser_of(manager).post(ADD, form_of(shop, product, now) | values)
    assert list(errors(answer)) == [field]
    assert not GroupBuying.objects.exists()


def test_the_form_begins_with_the_only_shop_and_a_sensible_time(manager, shop):
    initial = browser_of(manager).get(ADD).context["adminform"].form.initial
    assert initial["shop"] == shop.pk
    assert initial["start_at"] < initial["end_at"]


def test_counters_and_outcome_can_not_be_sent(manager, shop, product, now):
    browser_of(manager).post(ADD, form_of(shop, product, now) | {"taken": 40, "last_sequence": 9, "outcome": "succeeded"})
    made = GroupBuying.objects.get()
    assert (made.taken, made.last_sequence, made.outcome) == (0, 0, Outcome.OPEN)


def test_an_edit_leaves_orders_that_came_meanwhile_alone(manager, group_buying, buyer, now):
    browser = browser_of(manager)
    form = edit_of(group_buying, name="新名字")
    ordered(buyer, group_buying, now=now, qty=3)
    edit(browser, group_buying, form)
    group_buying.refresh_from_db()
    assert (group_buying.name, group_buying.taken, group_buying.last_sequence) == ("新名字", 3, 1)


def test_after_the_first_order_what_was_agreed_stays(manager, group_buying, buyer, product, now):
    ordered(buyer, group_buying, now=now)
    GroupBuying.objects.update(content=5)
    form = edit_of(group_buying, price="1.00", product=product.pk, content="3", deliver_type=2, description="更甜了")
    edit(browser_of(manager), group_buying, form)
    held = GroupBuying.objects.get()
    assert (str(held.price), held.product, held.deliver_type) == ("9.90", group_buying.product, group_buying.deliver_type)
    assert held.content == 5
    assert held.description == "更甜了"


@pytest.mark.parametrize(("quota", "min_qty"), [(200, 150), (60, 50), (1, 0)])
def test_stock_and_minimum_change_together_up_and_down(manager, group_buying, quota, min_qty):
    GroupBuying.objects.update(min_qty=80)
    edit(browser_of(manager), group_buying, edit_of(group_buying, quota=quota, min_qty=min_qty))
    held = GroupBuying.objects.get()
    assert (held.quota, held.min_qty) == (quota, min_qty)


def test_the_stock_can_not_fall_below_what_is_taken(manager, group_buying, buyer, now):
    ordered(buyer, group_buying, now=now, qty=3)
    answer = edit(browser_of(manager), group_buying, edit_of(group_buying, quota=2))
    assert errors(answer)["quota"] == ["库存不能少于已占用的 3 份"]


def test_it_is_switched_off_and_on(manager, group_buying):
    browser = browser_of(manager)
    for expected in (False, True):
        browser.post(page(group_buying, "switch"), answered())
        assert GroupBuying.objects.get().in_use == expected


def test_it_is_ended_early(manager, group_buying):
    done = browser_of(manager).post(page(group_buying, "close_early"), answered(), follow=True)
    assert said(done) == ["团购已截单"]
    assert GroupBuying.objects.get().end_at <= timezone.now()
    again = browser_of(manager).post(page(group_buying, "close_early"), answered(), follow=True)
    assert said(again) == ["团购尚未开始或已截单"]


def test_it_is_cancelled_after_the_figures_were_ticked(manager, group_buying, buyer, now):
    pay(ordered(buyer, group_buying, now=now, qty=2), now=now)
    browser = browser_of(manager)
    assert "退款 1 个订单共 ¥19.80" in words(browser.get(page(group_buying, "cancel")))
    refused = browser.post(page(group_buying, "cancel"), answered(reason="货没到"))
    assert "understood" in refused.context["form"].errors
    assert GroupBuying.objects.get().outcome == Outcome.OPEN
    done = browser.post(page(group_buying, "cancel"), answered(reason="货没到", understood="on"), follow=True)
    assert "货没到" in said(done)[0]
    assert GroupBuying.objects.get().outcome == Outcome.CANCELLED
    assert browser.post(page(group_buying), edit_of(group_buying)).status_code == 403


def test_a_clerk_only_reads(clerk, group_buying):
    browser = browser_of(clerk)
    assert browser.get(page(group_buying)).status_code == 200
    for kind in ("switch", "close_early", "cancel"):
        assert browser.post(page(group_buying, kind), answered(reason="x", understood="on")).status_code == 403
    assert GroupBuying.objects.get().in_use


def test_the_list_tells_sold_units_state_and_the_buyers_page(manager, group_buying, buyer, now):
    pay(ordered(buyer, group_buying, now=now, qty=2), now=now)
    answer = browser_of(manager).get(LIST)
    seen = words(answer)
    assert "2 / 100" in seen
    assert "进行中" in seen
    assert f'href="/g/{group_buying.pk}/"' in answer.content.decode()


def test_the_everyday_filters_follow_the_clock(manager, shop, now):
    hour = timedelta(hours=1)
    times = {"running": (-hour, hour), "upcoming": (hour, 2 * hour), "over": (-2 * hour, -hour)}
    for name, (start, end) in times.items():
        factories.GroupBuyingFactory(tenant=shop.tenant, shop=shop, name=f"团{name}", start_at=now + start, end_at=now + end)
    browser = browser_of(manager)
    for name in times:
        seen = words(browser.get(LIST, {"state": name}))
        assert [other for other in times if f"团{other}" in seen] == [name]


def test_a_manager_declares_a_group_buy_reached_and_the_button_is_gone(manager, group_buying):
    GroupBuying.objects.update(min_qty=50)
    browser = browser_of(manager)
    before = browser.get(page(group_buying))
    assert page(group_buying, "declare_reached") in before.content.decode()
    assert "提前成团时间" not in words(before)
    assert "不能撤销" in words(browser.get(page(group_buying, "declare_reached")))
    done = browser.post(page(group_buying, "declare_reached"), answered(), follow=True)
    assert said(done) == ["已提前成团，订单开始备货"]
    declared = GroupBuying.objects.get()
    assert declared.declared_by == manager
    opened = browser.get(page(group_buying))
    assert page(group_buying, "declare_reached") not in opened.content.decode()
    assert f"提前成团的人 {manager.nickname}" in words(opened)
    assert f"提前成团时间 {localize(timezone.localtime(declared.declared_at))}" in words(opened)


def test_once_somebody_ordered_the_minimum_only_goes_down(manager, buyer, group_buying, now):
    GroupBuying.objects.update(min_qty=5)
    ordered(buyer, group_buying, now=now)
    answer = edit(browser_of(manager), group_buying, edit_of(group_buying, min_qty=6))
    assert "成团份数只能调低" in words(answer)
    edit(browser_of(manager), group_buying, edit_of(group_buying, min_qty=4))
    assert GroupBuying.objects.get().min_qty == 4


def test_one_of_before_can_still_say_what_its_units_hold(manager, buyer, group_buying, now):
    ordered(buyer, group_buying, now=now)
    GroupBuying.objects.update(content=None)
    edit(browser_of(manager), group_buying, edit_of(group_buying, content="5"))
    assert GroupBuying.objects.get().content == 5
    edit(browser_of(manager), group_buying, edit_of(group_buying, content="6"))
    assert GroupBuying.objects.get().content == 5
