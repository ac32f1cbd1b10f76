"""A tenant's merchant number in the admin: keys go in and never come out."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError
from django.utils import timezone

from groupbuy.admin.merchants import MerchantAccountAdmin
from groupbuy.models import MerchantAccount
from retail.rights import Role
from tests.support import factories
from tests.support.back_office import answered, edit, page, said
from tests.support.pages import browser_of, words
from tests.support.wechat import fresh

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
    edit(browser, account, KEYS | {"private_key": "", "api_v3_key": "", "cert_serial": "B2", "in_use": "on"})
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


@pytest.fixture
def environment(settings):
    settings.WECHAT_MCH_ID, settings.WECHAT_PAY_PUBLIC_KEY_ID = "1900000009", "PUB_KEY_ID_9"


@pytest.mark.parametrize("who", ["headquarters", "superuser"])
@pytest.mark.parametrize(("name", "value"), [("mch_id", "1900000009"), ("public_key_id", "PUB_KEY_ID_9")])
def test_the_environments_number_and_key_id_are_refused(request, environment, tenant, who, name, value):
    form = KEYS | {"mch_id": "1900000001", "in_use": "on", "tenant": tenant.pk} | {name: value}
    answer = browser_of(request.getfixturevalue(who)).post(ADD, form)
    assert set(answer.context["adminform"].form.errors) == {name}
    assert not MerchantAccount.objects.exists()


@pytest.mark.parametrize("who", ["headquarters", "superuser"])
def test_the_environments_key_id_is_refused_later_too_and_the_number_stays(request, environment, account, who):
    changed = KEYS | {"mch_id": "1900000009", "public_key_id": "PUB_KEY_ID_9", "in_use": "on"}
    answer = edit(browser_of(request.getfixturevalue(who)), account, changed)
    assert set(answer.context["adminform"].form.errors) == {"public_key_id"}
    edit(browser_of(request.getfixturevalue(who)), account, changed | {"public_key_id": "PUB_KEY_ID_2"})
    assert (fresh(account).mch_id, account.public_key_id) == ("1900000001", "PUB_KEY_ID_2")


def test_a_new_number_waits_for_the_platform_and_the_page_says_so(headquarters, account):
    assert account.confirmed_at is None
    browser = browser_of(headquarters)
    assert "等平台确认后启用" in words(browser.get(page(account)))
    assert "等平台确认后启用" in words(browser.get("/admin/groupbuy/merchantaccount/"))
    assert "等平台确认后启用" in words(browser.get(ADD))


def test_headquarters_cannot_confirm_whatever_it_sends(headquarters, account):
    browser = browser_of(headquarters)
    assert "确认商户号" not in words(browser.get(page(account)))
    assert browser.post(page(account, "confirm_number"), answered()).status_code == 403
    sent = {"confirmed_at": "2026-11-22", "confirmed_at_0": "2026-11-22", "confirmed_at_1": "12:00:00", "confirmed_by": headquarters.pk}
    edit(browser, account, KEYS | sent | {"cert_serial": "B2", "in_use": "on"})
    assert (fresh(account).cert_serial, account.confirmed_at, account.confirmed_by) == ("B2", None, None)
    MerchantAccount.objects.update(confirmed_at=timezone.now())
    assert browser.post(page(account, "withdraw_confirmation"), answered()).status_code == 403
    assert fresh(account).confirmed_at is not None


def test_the_platform_confirms_and_withdraws_on_record(superuser, headquarters, account):
    browser = browser_of(superuser)
    assert "新的支付进入这个商户号" in words(browser.get(page(account, "confirm_number")))
    done = browser.post(page(account, "confirm_number"), answered(), follow=True)
    assert said(done) == [f"已确认商户号 1900000001 属于 {account.tenant}"]
    assert fresh(account).confirmed_by == superuser
    assert "等平台确认后启用" not in words(browser_of(headquarters).get(page(account)))
    assert said(browser.post(page(account, "confirm_number"), answered(), follow=True)) == ["此商户号已确认"]
    browser.post(page(account, "withdraw_confirmation"), answered())
    assert fresh(account).confirmed_at is None
    entries = LogEntry.objects.filter(user=superuser, object_id=str(account.pk)).order_by("pk")
    assert [entry.change_message for entry in entries] == [
        f"已确认商户号 1900000001 属于 {account.tenant}",
        "已撤销商户号 1900000001 的确认",
    ]


def test_a_squatter_blocks_nobody_and_is_shown_to_the_platform(superuser, headquarters, account):
    """Two tenants enter one number: both may, and one is confirmed."""
    other = factories.StaffFactory(tenant=factories.TenantFactory(name="抢注果业"), role=Role.HEADQUARTERS)
    browser_of(other).post(ADD, KEYS | {"mch_id": "1900000001", "in_use": "on"})
    squatter = MerchantAccount.objects.get(tenant=other.tenant)
    browser = browser_of(superuser)
    assert "抢注果业" in words(browser.get(page(account, "confirm_number")))
    browser.post(page(account, "confirm_number"), answered())
    refused = browser.post(page(squatter, "confirm_number"), answered(), follow=True)
    assert "另一个已确认的商户号" in said(refused)[-1]
    assert (fresh(account).confirmed_at is None, fresh(squatter).confirmed_at) == (False, None)


def test_a_confirmed_number_cannot_take_anothers_key_id(headquarters, account):
    other = MerchantAccount(tenant=factories.TenantFactory(), mch_id="1900000003", cert_serial="A", private_key="k", api_v3_key="k" * 32)
    other.public_key_id, other.public_key, other.confirmed_at = "PUB_KEY_ID_3", "pub", timezone.now()
    other.save()
    MerchantAccount.objects.filter(pk=account.pk).update(confirmed_at=timezone.now())
    answer = edit(browser_of(headquarters), account, KEYS | {"public_key_id": "PUB_KEY_ID_3", "in_use": "on"})
    assert answer.context["adminform"].form.errors
    assert fresh(account).public_key_id == "PUB_KEY_ID_1"


def test_a_row_with_the_environments_number_is_shown_as_without_effect(superuser, account, settings):
    settings.WECHAT_MCH_ID = "1900000001"
    browser = browser_of(superuser)
    assert "此商户号不生效" in words(browser.get(page(account)))
    assert "与平台的相同，不生效" in words(browser.get("/admin/groupbuy/merchantaccount/"))
    done = browser.post(page(account, "confirm_number"), answered(), follow=True)
    assert "平台自己的商户号" in said(done)[0]
    assert fresh(account).confirmed_at is None


def test_headquarters_cannot_choose_the_app_that_its_buyers_pay_in(headquarters):
    """An app id is like a number: whoever names the environment's, or another tenant's, would answer for its logins."""
    browser, tenant = browser_of(headquarters), headquarters.tenant
    form = {"code": tenant.code, "name": tenant.name, "app_id": "wx-of-the-environment", "host_name": "", "in_use": "on"}
    assert browser.post(page(tenant), form).status_code == 403
    assert browser.post("/admin/retail/tenant/add/", form | {"code": "new"}).status_code == 403
    assert fresh(tenant).app_id != "wx-of-the-environment"


def test_a_form_whose_twin_was_saved_after_the_check_is_a_sentence(headquarters, between):
    sheet = KEYS | {"mch_id": "1900000001", "in_use": "on"}
    between(MerchantAccountAdmin, "save_model", lambda: browser_of(headquarters).post(ADD, sheet))
    answer = browser_of(headquarters).post(ADD, sheet, follow=True)
    assert "刚刚已有相同的内容保存" in said(answer)[-1]


def test_a_number_that_is_confirmed_while_its_key_id_is_edited_takes_nobodys(headquarters, account, between):
    theirs = KEYS | {"mch_id": "1900000005", "public_key_id": "PUB_KEY_ID_5", "confirmed_at": timezone.now()}
    MerchantAccount.objects.create(tenant=factories.TenantFactory(), **theirs)
    confirm = MerchantAccount.objects.filter(pk=account.pk).update
    between(MerchantAccountAdmin, "save_model", lambda: confirm(confirmed_at=timezone.now()))
    sheet = KEYS | {"private_key": "", "api_v3_key": "", "public_key_id": "PUB_KEY_ID_5", "in_use": "on"}
    answer = edit(browser_of(headquarters), account, sheet, follow=True)
    assert ["刚刚已有相同的内容保存" in one for one in said(answer)] == [True]
    assert fresh(account).public_key_id == "PUB_KEY_ID_1"


def test_a_row_that_the_database_refuses_for_another_reason_is_a_mistake_of_ours(headquarters, account, monkeypatch):
    def forget(*_sent: object) -> None:
        MerchantAccount.objects.filter(pk=account.pk).update(cert_serial=None)

    monkeypatch.setattr(MerchantAccountAdmin, "save_model", forget)
    with pytest.raises(IntegrityError):
        edit(browser_of(headquarters), account, KEYS | {"private_key": "", "api_v3_key": "", "in_use": "on"})
