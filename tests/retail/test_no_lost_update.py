"""Two people have one page open: each changes what they touched, and who comes second is told by whom."""

import json

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile

from groupbuy.models import GroupBuying, MerchantAccount
from retail.backoffice import ScopedAdmin, ScopedInline, visible
from retail.backoffice.seen import SeenForm, SeenFormSet
from retail.models import AppSecret, ProductImage
from retail.principals import principal_of
from tests.contract.crawl import Fields
from tests.retail.test_pictures import drawn
from tests.support import factories
from tests.support.back_office import fill, page
from tests.support.pages import browser_of, words
from tests.support.races import at_once

pytestmark = pytest.mark.django_db


class Opened:
    """A page of the admin in somebody's browser."""

    def __init__(self, person, row):
        self.browser, self.address = browser_of(person), page(row)
        self.read(self.browser.get(self.address))

    def read(self, answer):
        self.sent = Fields(answer).sent

    def save(self, **typed):
        answer = self.browser.post(self.address, self.sent | typed)
        if answer.status_code == 200:
            self.errors = answer.context["adminform"].form.errors
            self.inlines = [formset.formset for formset in answer.context["inline_admin_formsets"]]
            self.read(answer)
        return answer


def saved(answer):
    return answer.status_code == 302


def held(row, name):
    return str(getattr(factories.copy_of(row), name))


def changes_of(person):
    entry = LogEntry.objects.filter(user=person).latest("pk")
    return entry.get_change_message()


@pytest.fixture
def stranger(tenant):
    return factories.StaffFactory(tenant=tenant, role="headquarters", nickname="小周")


@pytest.fixture
def product(tenant):
    return factories.ProductFactory(tenant=tenant)


@pytest.fixture
def merchant(tenant):
    keys = {"cert_serial": "A1", "private_key": "first-key", "api_v3_key": "k" * 32, "public_key_id": "PUB_KEY_ID_7", "public_key": "p"}
    return MerchantAccount.objects.create(tenant=tenant, mch_id="1900000007", in_use=False, **keys)


def row_of(kind, shop):
    made = {
        "group buy": lambda: factories.GroupBuyingFactory(tenant=shop.tenant, shop=shop),
        "shop": lambda: shop,
        "shop product": lambda: factories.ShopProductFactory(shop=shop),
        "product": lambda: factories.ProductFactory(tenant=shop.tenant),
        "class": lambda: factories.ProductClassFactory(tenant=shop.tenant),
        "stall": lambda: factories.StallFactory(shop=shop),
        "device": lambda: factories.DeviceFactory(shop=shop, ip="10.0.0.1"),
        "stock": lambda: factories.StockFigureFactory(shop=shop),
        "licence": lambda: factories.LicenceFactory(shop=shop, contract_ends_on="2030-01-01"),
        "person": lambda: factories.StaffFactory(tenant=shop.tenant, shops=[shop]),
    }
    return made[kind]()


TWICE = [
    ("group buy", "description", "当天采摘", "产地直发"),
    ("group buy", "quota", "520", "480"),
    ("group buy", "price", "8.80", "7.70"),
    ("shop", "address", "田林路 1 号", "田林路 2 号"),
    ("shop", "markup", "0.300", "0.250"),
    ("shop product", "sort", "7", "8"),
    ("product", "member_price", "4.40", "4.30"),
    ("product", "unit", "盒", "箱"),
    ("class", "name", "叶菜", "根茎"),
    ("stall", "name", "鱼摊", "肉摊"),
    ("device", "ip", "10.0.0.2", "10.0.0.3"),
    ("stock", "qty", "3.500", "4.500"),
    ("licence", "contract_ends_on", "2031-01-01", "2032-01-01"),
    ("person", "nickname", "小红", "小蓝"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name", "theirs", "mine"), TWICE, ids=[f"{kind}, {name}" for kind, name, *_ in TWICE])
def test_what_somebody_else_changed_meanwhile_is_refused_with_both_values_and_their_name(
    superuser, stranger, shop, kind, name, theirs, mine
):
    row = row_of(kind, shop)
    person = superuser if kind == "licence" else stranger
    first, second = Opened(person, row), Opened(superuser, row)
    assert saved(first.save(**{name: theirs}))
    assert not saved(second.save(**{name: mine}))
    (told,) = second.errors[name]
    assert f"已被{person} 于 " in told
    assert f"改为「{theirs}」，您填的是「{mine}」" in told
    assert held(row, name) == theirs
    # Who has read that and saves again means it.
    assert saved(second.save(**{name: mine}))
    assert held(row, name) == mine


def test_a_new_description_does_not_put_back_the_stock_and_the_history_names_it_alone(manager, headquarters, shop):
    row = factories.GroupBuyingFactory(tenant=shop.tenant, shop=shop, quota=480)
    first, second = Opened(manager, row), Opened(headquarters, row)
    assert saved(first.save(quota="520"))
    assert saved(second.save(description="产地直发"))
    assert (held(row, "quota"), held(row, "description")) == ("520", "产地直发")
    assert changes_of(manager) == "已修改库存。"
    assert changes_of(headquarters) == "已修改描述。"


def test_rules_speak_of_what_the_row_holds_and_not_of_what_an_old_page_shows(manager, headquarters, shop):
    row = factories.GroupBuyingFactory(tenant=shop.tenant, shop=shop, quota=480)
    first, second = Opened(manager, row), Opened(headquarters, row)
    assert saved(first.save(quota="50"))
    assert not saved(second.save(min_qty="100"))
    assert second.errors["min_qty"] == ["成团份数不能超过库存"]
    assert second.sent["quota"] == "50"


def test_two_who_mean_the_same_agree(manager, headquarters, group_buying):
    first, second = Opened(manager, group_buying), Opened(headquarters, group_buying)
    assert saved(first.save(quota="520"))
    assert saved(second.save(quota="520"))


def test_without_an_entry_in_the_history_nobody_is_blamed(manager, headquarters, group_buying):
    Opened(manager, group_buying).save(quota="510")
    LogEntry.objects.update(action_time="2026-01-01T00:00:00Z")
    second = Opened(headquarters, group_buying)
    GroupBuying.objects.update(quota=520)
    second.save(quota="480")
    assert second.errors["quota"] == ["已被他人改为「520」，您填的是「480」。再次保存则以您填的为准"]


@pytest.mark.parametrize("mark", [None, "", "1.00000000000000000000000000000000", "x", "².1"])
def test_a_page_without_its_marks_or_with_forged_ones_changes_nothing(manager, group_buying, mark):
    opened = Opened(manager, group_buying)
    marked = [name for name in opened.sent if "initial-" in name]
    assert "initial-quota" in marked
    opened.sent = {name: value for name, value in opened.sent.items() if name not in marked} | (
        dict.fromkeys(marked, mark) if mark is not None else {}
    )
    assert not saved(opened.save(quota="520"))
    assert list(opened.errors) == ["quota"]
    assert held(group_buying, "quota") == "100"


def test_the_mark_of_another_field_or_row_is_none(manager, shop):
    rows = [factories.GroupBuyingFactory(tenant=shop.tenant, shop=shop) for _ in range(2)]
    opened, other = (Opened(manager, row) for row in rows)
    opened.sent["initial-quota"] = other.sent["initial-quota"]
    assert not saved(opened.save(quota="520"))
    opened.sent["initial-quota"] = opened.sent["initial-name"]
    assert not saved(opened.save(quota="521"))


@pytest.mark.slow
def test_a_page_sent_as_it_was_opened_changes_nothing(superuser, manager, shop):
    """Whatever stands in the row: moments with microseconds, secrets, pictures, lines, decimals."""
    fill(shop, manager)
    GroupBuying.objects.update(description=" 第一行\n第二行\r\n第三行 ")
    opened = 0
    for model in admin.site._registry:
        row = visible(model, principal_of(superuser)).last()
        answer = browser_of(superuser).get(page(row)) if row else None
        if answer is None or not answer.context["has_change_permission"]:
            continue
        before = model._default_manager.values().get(pk=row.pk)
        assert saved(Opened(superuser, row).save()), model
        assert model._default_manager.values().get(pk=row.pk) == before
        assert changes_of(superuser) == "没有字段被修改。", model
        opened += 1
    assert opened > 10


def test_stored_keys_are_no_part_of_the_page_and_who_enters_new_ones_second_is_told(headquarters, stranger, merchant):
    first, second = Opened(stranger, merchant), Opened(headquarters, merchant)
    assert not any("first-key" in value or "k" * 32 in value for value in second.sent.values())
    assert saved(first.save(private_key="second-key"))
    answer = second.save(private_key="third-key")
    (told,) = second.errors["private_key"]
    assert told.startswith(f"已被{stranger} 于 ")
    assert "second-key" not in answer.content.decode()
    assert held(merchant, "private_key") == "second-key"
    assert saved(second.save(cert_serial="B2", private_key=""))
    assert (held(merchant, "private_key"), held(merchant, "cert_serial")) == ("second-key", "B2")


def test_a_shop_and_its_people_are_edited_from_both_ends(headquarters, stranger, shop, tenant):
    """Of the relation each page writes what its person put in or took out."""
    staying, coming = (
        factories.StaffFactory(tenant=tenant, role="clerk", shops=[one]) for one in (shop, factories.ShopFactory(tenant=tenant))
    )
    of_shop = Opened(headquarters, shop)
    of_person = Opened(stranger, coming)
    assert saved(of_person.save(shops=[shop.pk]))
    assert saved(of_shop.save(staff=[staying.pk], phone="021-64000001"))
    assert set(shop.staff.all()) == {staying, coming}


def test_who_is_not_offered_any_more_stays_until_somebody_offers_them_again(headquarters, shop, tenant):
    left, stays, comes = (factories.StaffFactory(tenant=tenant, role="clerk", shops=shops) for shops in ([shop], [shop], []))
    opened = Opened(headquarters, shop)
    type(left).objects.filter(pk=left.pk).update(is_active=False)
    assert saved(opened.save(phone="021-64000001", staff=[left.pk, stays.pk]))
    opened = Opened(headquarters, shop)
    assert saved(opened.save(phone="021-64000002", staff=[stays.pk]))
    assert changes_of(headquarters) == "已修改电话。"
    assert saved(opened.save(staff=[comes.pk]))
    assert set(shop.staff.all()) == {left, comes}


def test_a_relation_that_both_changed_is_refused_with_the_names(headquarters, stranger, shop, tenant):
    people = [factories.StaffFactory(tenant=tenant, role="clerk", shops=[shop], nickname=f"店员{number}") for number in "甲乙"]
    first, second = Opened(headquarters, shop), Opened(stranger, shop)
    assert saved(first.save(staff=[people[0].pk]))
    assert not saved(second.save(staff=[people[1].pk]))
    (told,) = second.errors["staff"]
    assert f"改为「{people[0]}」，您填的是「{people[1]}」" in told
    assert list(shop.staff.all()) == [people[0]]


def test_the_shops_of_a_person_that_both_changed_are_told_by_name(headquarters, stranger, shop, tenant):
    clerk = factories.StaffFactory(tenant=tenant, role="clerk", shops=[shop])
    there, elsewhere = (factories.ShopFactory(tenant=tenant, name=name) for name in ("甲店", "乙店"))
    first, second = Opened(headquarters, clerk), Opened(stranger, clerk)
    assert saved(first.save(shops=[there.pk]))
    assert not saved(second.save(shops=[elsewhere.pk]))
    (told,) = second.errors["shops"]
    assert "改为「甲店" in told


def test_the_secret_of_a_mini_program_is_not_put_back(headquarters, stranger, tenant):
    secret = AppSecret.objects.create(tenant=tenant, value="a" * 32)
    first, second = Opened(stranger, secret), Opened(headquarters, secret)
    assert saved(first.save(value="b" * 32))
    assert not saved(second.save(value="c" * 32))
    assert second.errors["value"][0].startswith("已被")
    assert held(secret, "value") == "b" * 32


def test_a_picture_that_somebody_else_put_there_stays(headquarters, stranger, shop):
    first, second = Opened(headquarters, shop), Opened(stranger, shop)
    picture = SimpleUploadedFile("a.png", drawn("PNG", size=(3, 3)), "image/png")
    assert saved(first.save(image=picture))
    kept = held(shop, "image")
    assert saved(second.save(phone="021-64000002"))
    assert held(shop, "image") == kept
    assert saved(Opened(stranger, shop).save(phone="021-64000003", **{"image-clear": "on"}))
    assert held(shop, "image") == ""


class TestInlines:
    @pytest.fixture
    def images(self, product):
        return [ProductImage.objects.create(product=product, image=f"products/{sort}.jpg", sort=sort) for sort in (1, 2)]

    def test_each_writes_the_rows_that_they_touched(self, headquarters, stranger, product, images):
        first, second = Opened(headquarters, product), Opened(stranger, product)
        assert saved(first.save(**{"images-0-sort": "10"}))
        assert saved(second.save(**{"images-1-sort": "20"}))
        assert list(ProductImage.objects.order_by("pk").values_list("sort", flat=True)) == [10, 20]
        assert json.loads(LogEntry.objects.filter(user=stranger).get().change_message)[0]["changed"]["object"] == str(images[1])

    def test_one_row_twice_is_refused_beside_the_field(self, headquarters, stranger, product, images):
        first, second = Opened(headquarters, product), Opened(stranger, product)
        assert saved(first.save(**{"images-0-sort": "10"}))
        assert not saved(second.save(**{"images-0-sort": "11"}))
        (told,) = second.inlines[0].forms[0].errors["sort"]
        assert f"已被{headquarters} 于 " in told
        assert "改为「10」，您填的是「11」" in told
        assert saved(second.save(**{"images-0-sort": "11"}))
        assert ProductImage.objects.get(pk=images[0].pk).sort == 11

    def test_a_row_that_is_gone_does_not_come_back_and_is_in_nobodys_way(self, headquarters, stranger, product, images):
        first, second = Opened(headquarters, product), Opened(stranger, product)
        assert saved(first.save(**{"images-0-DELETE": "on"}))
        assert saved(second.save(name="脐橙", **{"images-1-sort": "9"}))
        assert list(ProductImage.objects.values_list("pk", "sort")) == [(images[1].pk, 9)]

    def test_who_changed_a_row_that_is_gone_is_told(self, headquarters, stranger, product, images):
        first, second = Opened(headquarters, product), Opened(stranger, product)
        assert saved(first.save(**{"images-0-DELETE": "on"}))
        answer = second.save(name="脐橙", **{"images-0-sort": "9"})
        assert "此行已被他人删除，您的修改没有保存" in words(answer)
        assert held(product, "name") == product.name

    def test_a_refused_page_shows_each_row_beside_its_own_fields_and_can_be_saved(self, headquarters, stranger, product, images):
        first, second = Opened(headquarters, product), Opened(stranger, product)
        assert saved(first.save(name="甲名", **{"images-0-DELETE": "on"}))
        answer = second.save(name="乙名", **{"images-1-sort": "9"})
        assert not saved(answer)
        printed = [line.original.pk for line in answer.context["inline_admin_formsets"][0] if line.original is not None]
        assert printed == [None, images[1].pk]
        assert saved(second.save())
        assert (held(product, "name"), list(ProductImage.objects.values_list("pk", "sort"))) == ("乙名", [(images[1].pk, 9)])

    def test_who_edited_a_row_that_is_gone_can_let_go_of_it(self, headquarters, stranger, product, images):
        first, second = Opened(headquarters, product), Opened(stranger, product)
        assert saved(first.save(**{"images-0-DELETE": "on"}))
        assert not saved(second.save(name="脐橙", **{"images-0-sort": "9"}))
        assert not saved(second.save())
        assert saved(second.save(**{"images-0-DELETE": "on"}))
        assert (held(product, "name"), ProductImage.objects.get()) == ("脐橙", images[1])

    def test_two_who_delete_one_row_agree(self, headquarters, stranger, product, images):
        first, second = Opened(headquarters, product), Opened(stranger, product)
        assert saved(first.save(**{"images-0-DELETE": "on"}))
        assert saved(second.save(**{"images-0-DELETE": "on"}))
        assert ProductImage.objects.get() == images[1]

    def test_a_row_that_somebody_changed_is_not_deleted_unread(self, headquarters, stranger, product, images):
        first, second = Opened(headquarters, product), Opened(stranger, product)
        assert saved(first.save(**{"images-0-sort": "10"}))
        assert "已被他人修改，请核对后再删除" in words(second.save(**{"images-0-DELETE": "on"}))
        assert ProductImage.objects.count() == 2
        assert saved(second.save(**{"images-0-DELETE": "on"}))
        assert ProductImage.objects.get() == images[1]


def test_every_page_that_writes_stands_on_the_base():
    for model, model_admin in admin.site._registry.items():
        assert isinstance(model_admin, ScopedAdmin), model
        assert issubclass(model_admin.form, SeenForm), model
        # A list that is edited in place would need marks of its own.
        assert not model_admin.list_editable, model
        for inline in model_admin.inlines:
            assert issubclass(inline, ScopedInline), inline
            assert issubclass(inline.form, SeenForm), inline
            assert issubclass(inline.formset, SeenFormSet), inline


RACES = [(kind, name, theirs, mine) for kind, name, theirs, mine in TWICE if kind not in ("class", "stall", "licence", "device")]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("kind", "name", "theirs", "mine"), RACES, ids=[f"{kind}, {name}" for kind, name, *_ in RACES])
def test_of_many_at_once_on_one_field_one_gets_through(headquarters, shop, kind, name, theirs, mine):
    row = row_of(kind, shop)
    pages = [(Opened(headquarters, row), value) for value in (theirs, mine) * 3]
    outcomes = at_once(lambda one: (saved(one[0].save(**{name: one[1]})), one[1]), pages)
    # Those with the same value have nothing to quarrel about.
    written = held(row, name)
    assert {value for done, value in outcomes if done} == {written}
    assert [done for done, value in outcomes if value != written] == [False] * 3


PAIRS = [
    ("group buy", {"quota": "520"}, {"description": "产地直发"}),
    ("shop", {"address": "新址"}, {"phone": "021-64000009"}),
    ("product", {"name": "脐橙"}, {"price": "6.60"}),
    ("shop product", {"price": "6.60"}, {"sort": "9"}),
    ("person", {"nickname": "小红"}, {"phone": "13800009999"}),
]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("kind", "one", "other"), PAIRS, ids=[kind for kind, *_ in PAIRS])
def test_two_at_once_on_two_fields_both_get_through(headquarters, manager, shop, kind, one, other):
    row = row_of(kind, shop)
    pages = [(Opened(headquarters, row), typed) for typed in (one, other)]
    assert at_once(lambda opened: saved(opened[0].save(**opened[1])), pages) == [True, True]
    assert {name: held(row, name) for name in one | other} == one | other
