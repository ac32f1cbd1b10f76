"""The secret of a tenant's own mini-program in the back office: it goes in, is tried, is used, and never comes out."""

import pytest
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.db import connection

from retail import mini_program
from retail.models import AppSecret, Tenant, WeChatIdentity
from retail.rights import Role
from tests.support import factories
from tests.support.back_office import answered, edit, page, pages_of_lists, said
from tests.support.pages import browser_of, words
from tests.support.sheets import EXPORTED
from tests.support.wechat import house_merchant, own_merchant

pytestmark = pytest.mark.django_db
LIST = "/admin/retail/appsecret/"
ADD = f"{LIST}add/"
SECRET, OTHER = "0123456789abcdef0123456789abcdef", "f" * 32


@pytest.fixture
def app(fake_wechat, tenant):
    """The tenant's own mini-program, whose id the platform has entered."""
    merchant = own_merchant(fake_wechat)
    Tenant.objects.filter(pk=tenant.pk).update(app_id=merchant.app_id)
    tenant.refresh_from_db()
    return merchant


@pytest.fixture
def secret(headquarters) -> AppSecret:
    browser_of(headquarters).post(ADD, {"value": SECRET})
    return AppSecret.objects.get()


def tried(person, secret) -> list[str]:
    return said(browser_of(person).post(page(secret, "try_secret"), answered(), follow=True))


def complaints(answer) -> list[str]:
    return [text for texts in answer.context["adminform"].form.errors.values() for text in texts]


# Who may.


def test_headquarters_enters_its_own_and_it_is_stored_encrypted(headquarters, secret):
    assert (secret.tenant, secret.value) == (headquarters.tenant, SECRET)
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM retail_appsecret")
        (stored,) = cursor.fetchone()
    assert stored
    assert SECRET not in stored


def test_the_platform_enters_it_for_a_tenant(superuser, tenant):
    other = factories.TenantFactory()
    browser_of(superuser).post(ADD, {"value": SECRET, "tenant": other.pk})
    assert AppSecret.objects.get().tenant == other


def test_headquarters_enters_none_for_another_tenant(headquarters):
    browser_of(headquarters).post(ADD, {"value": SECRET, "tenant": factories.TenantFactory().pk})
    assert AppSecret.objects.get().tenant == headquarters.tenant


@pytest.mark.parametrize("who", ["clerk", "manager"])
def test_nobody_in_a_shop_sees_it_enters_one_or_tries_it(request, secret, who):
    browser = browser_of(request.getfixturevalue(who))
    assert "小程序密钥" not in words(browser.get("/admin/"))
    for address in (LIST, ADD, page(secret), page(secret, "history"), page(secret, "try_secret")):
        assert browser.get(address).status_code == 403
    assert browser.post(page(secret), {"value": OTHER}).status_code == 403
    assert browser.post(page(secret, "try_secret"), answered()).status_code == 403
    assert AppSecret.objects.get().value == SECRET


def test_another_tenants_headquarters_finds_nothing(secret):
    browser = browser_of(factories.StaffFactory(role=Role.HEADQUARTERS))
    assert browser.get(LIST).context["cl"].result_count == 0
    answers = [browser.get(page(secret)), browser.post(page(secret), {"value": OTHER})]
    answers += [browser.get(page(secret, "try_secret")), browser.post(page(secret, "try_secret"), answered())]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert AppSecret.objects.get().value == SECRET


def test_it_is_in_the_menu_of_headquarters(headquarters):
    assert "小程序密钥" in words(browser_of(headquarters).get("/admin/"))


# It never comes out.


@pytest.mark.parametrize("who", ["headquarters", "superuser"])
def test_it_is_on_no_page_in_no_history_and_in_no_log(request, who, secret, app, logged):
    person = request.getfixturevalue(who)
    browser = browser_of(person)
    shown = [edit(browser, secret, {"value": OTHER}, follow=True), edit(browser, secret, {"value": f"{OTHER} zu lang"})]
    shown += [browser.post(page(secret, "try_secret"), answered(), follow=True), browser.get(page(secret, "try_secret"))]
    shown += [browser.get(address) for address in (LIST, page(secret), page(secret, "history"), "/admin/admin/logentry/")]
    assert AppSecret.objects.get().value == OTHER
    texts = [answer.content.decode() for answer in shown]
    texts += [f"{entry.object_repr} {entry.change_message}" for entry in LogEntry.objects.all()]
    assert [text for text in [*texts, logged.text] if SECRET in text or OTHER in text] == []
    assert LogEntry.objects.filter(user=person, object_id=str(secret.pk)).count() >= 1


def test_it_can_not_be_exported():
    assert AppSecret in {model for model, _address in pages_of_lists()}
    assert AppSecret not in EXPORTED


@pytest.mark.parametrize("value", ["", "short", f"{SECRET}0", f"{SECRET[:31]} ", f"{SECRET[:31]}-"])
def test_what_is_no_secret_is_refused_and_not_shown_again(headquarters, value):
    answer = browser_of(headquarters).post(ADD, {"value": value})
    assert set(answer.context["adminform"].form.errors) == {"value"}
    assert len(value) < 31 or value.strip() not in answer.content.decode()
    assert not AppSecret.objects.exists()


def test_left_empty_it_stays(headquarters, secret):
    browser = browser_of(headquarters)
    assert "留空则不变" in words(browser.get(page(secret)))
    assert edit(browser, secret, {"value": ""}).status_code == 302
    assert AppSecret.objects.get().value == SECRET


@pytest.mark.parametrize("who", ["headquarters", "superuser"])
def test_a_second_one_is_refused_in_words(request, who, secret):
    answer = browser_of(request.getfixturevalue(who)).post(ADD, {"value": OTHER, "tenant": secret.tenant_id})
    assert complaints(answer) == ["已登记小程序密钥，请在原记录上更换"]
    assert AppSecret.objects.get().value == SECRET


# It is tried.


@pytest.mark.parametrize("who", ["headquarters", "superuser"])
def test_a_right_secret_is_said_to_be_taken(request, who, app, tenant, headquarters):
    browser_of(headquarters).post(ADD, {"value": app.app_secret})
    assert tried(request.getfixturevalue(who), AppSecret.objects.get()) == ["微信接受了这个密钥"]


def test_a_wrong_one_is_said_to_be_wrong_also_while_an_older_token_lives(app, tenant, headquarters, secret, fake_wechat):
    AppSecret.objects.update(value=app.app_secret)
    mini_program.token_of(tenant)
    edit(browser_of(headquarters), secret, {"value": OTHER})
    assert tried(headquarters, secret) == ["AppSecret 不正确"]


def test_an_unknown_app_is_named(app, headquarters, secret):
    Tenant.objects.filter(pk=secret.pk).update(app_id="wx-nobodys")
    assert tried(headquarters, secret) == ["AppId 不正确，请与平台核对"]


@pytest.mark.parametrize("fault", [{"kind": "status"}, {"kind": "reset"}, {"kind": "html", "status": 302}], ids=str)
def test_a_wechat_that_does_not_answer_is_told_from_a_refusal(app, headquarters, secret, fake_wechat, fault):
    fake_wechat.control("fault", path="stable_token", **fault)
    assert tried(headquarters, secret) == ["暂时无法连接微信，请稍后再试"]


def test_an_answer_without_sense_is_no_success(app, headquarters, secret, fake_wechat):
    fake_wechat.control("fault", path="stable_token", kind="html", status=200)
    assert tried(headquarters, secret) == ["微信没有给出令牌（错误码 —）"]


def test_without_an_app_id_nothing_is_sent_and_the_platform_is_named(fake_wechat, headquarters, secret):
    Tenant.objects.filter(pk=secret.pk).update(app_id=None)
    assert tried(headquarters, secret) == ["平台还没有登记此商家自己的小程序 AppId，密钥暂不使用"]
    assert fake_wechat.books.requests == {}


def test_the_sandbox_sends_nothing(app, headquarters, secret, fake_wechat, settings):
    settings.LOGIN_PROVIDER = "sandbox"
    assert tried(headquarters, secret) == ["当前是演示登录，不连接微信"]
    assert fake_wechat.books.requests == {}


# It is used.


def test_what_headquarters_saved_logs_its_buyers_in(app, headquarters, api):
    call = {"code": "who:xiaowang:1", "appId": app.app_id}
    assert api.anonymous.post("/api/auth/wechatlogin", call).status_code == 503
    browser_of(headquarters).post(ADD, {"value": app.app_secret})
    assert api.anonymous.post("/api/auth/wechatlogin", call).status_code == 200
    assert WeChatIdentity.objects.get().app_id == app.app_id


def test_a_new_secret_takes_the_place_of_the_old_one(app, tenant, headquarters, secret):
    with pytest.raises(mini_program.Unavailable):
        mini_program.token_of(tenant)
    edit(browser_of(headquarters), secret, {"value": app.app_secret})
    cache.clear()
    assert mini_program.token_of(tenant)
    assert mini_program.secrets_of(tenant) == {"appid": app.app_id, "secret": app.app_secret}


def test_without_an_own_app_the_platforms_stays_in_use(fake_wechat, tenant, headquarters, secret):
    Tenant.objects.filter(pk=tenant.pk).update(app_id=None)
    tenant.refresh_from_db()
    assert mini_program.secrets_of(tenant)["secret"] == house_merchant(fake_wechat).app_secret
