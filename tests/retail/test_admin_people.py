"""Headquarters manages its own people in the admin, and nobody gets more rights than whoever gives them."""

import pytest
from axes.models import AccessAttempt
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.utils import timezone
from knox.models import AuthToken

from retail.login import staff_accounts
from retail.models import User
from retail.principals import principal_of
from retail.refusals import Forbidden
from retail.rights import GROUP_NAMES, Role
from tests.support import factories
from tests.support.back_office import answered, edit, page, said
from tests.support.pages import browser_of, words

pytestmark = pytest.mark.django_db
ADD = "/admin/retail/user/add/"
PEOPLE = "/admin/retail/user/"
OWN = "/admin/password_change/"
PASSWORD = "xiguan-2026-tuan"


def account(**values):
    return {"username": "xiaomei", "nickname": "小美", "phone": "", "is_active": "on", "role": "clerk"} | values


def test_headquarters_makes_a_clerk_who_can_log_in(headquarters, shop, client):
    browser = browser_of(headquarters)
    answer = browser.post(ADD, account(shops=[shop.pk]))
    made = User.objects.get(username="xiaomei")
    assert answer.url == page(made, "new_password")
    browser.post(answer.url, answered(password=PASSWORD, again=PASSWORD))
    assert (made.tenant, principal_of(made).role, principal_of(made).shop_ids) == (headquarters.tenant, Role.CLERK, {shop.pk})
    login = client.post("/admin/login/", {"username": "xiaomei", "password": PASSWORD})
    assert login.url == "/admin/"


def test_a_clerk_needs_a_shop_and_a_name_can_be_used_once(headquarters, clerk, shop):
    browser = browser_of(headquarters)
    errors = browser.post(ADD, account(username=clerk.username)).context["adminform"].form.errors
    assert set(errors) == {"username", "shops"}


@pytest.mark.parametrize("role", ["platform", "buyer", "device", ""])
def test_only_the_three_staff_roles_can_be_given(headquarters, shop, role):
    answer = browser_of(headquarters).post(ADD, account(role=role, shops=[shop.pk]))
    assert "role" in answer.context["adminform"].form.errors
    assert not User.objects.filter(username="xiaomei").exists()


def test_rights_that_are_not_in_the_form_are_not_taken_from_it(headquarters, shop):
    extra = {"is_superuser": "on", "tenant": factories.TenantFactory().pk, "groups": list(Group.objects.values_list("pk", flat=True))}
    browser_of(headquarters).post(ADD, account(shops=[shop.pk], secrets="on") | extra)
    made = User.objects.get(username="xiaomei")
    assert (made.is_superuser, made.tenant) == (False, headquarters.tenant)
    assert [group.name for group in made.groups.all()] == [GROUP_NAMES[Role.CLERK]]
    assert not staff_accounts.sees_secrets(made)


def test_another_tenants_shop_can_not_be_assigned(headquarters):
    answer = browser_of(headquarters).post(ADD, account(shops=[factories.ShopFactory().pk]))
    assert "shops" in answer.context["adminform"].form.errors


def test_a_new_role_replaces_the_old_one(headquarters, clerk, shop):
    edit(browser_of(headquarters), clerk, account(nickname="升职了", role="manager", shops=[shop.pk]))
    clerk.refresh_from_db()
    assert clerk.nickname == "升职了"
    assert [group.name for group in clerk.groups.all()] == ["店长"]


def test_nobody_changes_the_own_role_or_locks_the_own_account(headquarters, shop):
    edit(browser_of(headquarters), headquarters, account(nickname="我自己", role="clerk", shops=[shop.pk], is_active=""))
    headquarters.refresh_from_db()
    assert headquarters.nickname == "我自己"
    assert headquarters.is_active
    assert principal_of(headquarters).role == Role.HEADQUARTERS


def test_managers_and_clerks_do_not_see_the_accounts(manager, clerk):
    for person in (manager, clerk):
        assert browser_of(person).get(PEOPLE).status_code == 403
        assert browser_of(person).get(page(clerk)).status_code in (403, 404)
        assert browser_of(person).post(page(clerk, "new_password"), answered(password=PASSWORD, again=PASSWORD)).status_code == 403


def test_a_superuser_is_nobody_to_headquarters(headquarters):
    root = User.objects.create_superuser("root", "demo-pass-2026", tenant=headquarters.tenant)
    browser = browser_of(headquarters)
    assert browser.get(page(root)).status_code == 404
    assert browser.post(page(root, "new_password"), answered(password=PASSWORD, again=PASSWORD)).status_code == 404


def test_who_does_not_see_secrets_can_neither_grant_that_nor_take_over_who_does(headquarters, tenant):
    other = factories.grant(factories.StaffFactory(tenant=tenant, role=Role.HEADQUARTERS), "shops.see_secret")
    browser = browser_of(headquarters)
    assert "可查看门店" not in words(browser.get(ADD))
    assert browser.post(page(other), account()).status_code == 403
    User.objects.filter(pk=other.pk).update(is_active=False)
    answer = browser.post(page(other, "new_password"), answered(password=PASSWORD, again=PASSWORD), follow=True)
    assert said(answer) == ["没有权限"]
    assert not User.objects.get(pk=other.pk).check_password(PASSWORD)


def test_who_sees_secrets_may_grant_it_to_headquarters_only(headquarters, tenant, shop):
    factories.grant(headquarters, "shops.see_secret")
    browser = browser_of(headquarters)
    browser.post(ADD, account(username="second-hq", role="headquarters", secrets="on"))
    browser.post(ADD, account(username="clerk-2", shops=[shop.pk], secrets="on"))
    assert staff_accounts.sees_secrets(User.objects.get(username="second-hq"))
    assert not staff_accounts.sees_secrets(User.objects.get(username="clerk-2"))


def test_the_right_to_clear_a_shop_is_granted_to_managers_kept_and_taken_back(headquarters, manager, shop):
    browser, edited = browser_of(headquarters), {"nickname": "店长", "role": "manager", "shops": [shop.pk]}
    assert "可清空门店商品" in words(browser.get(page(manager)))
    edit(browser, manager, account(**edited, clears="on"))
    assert staff_accounts.clears_shops(manager)
    assert browser.get(page(manager)).context["adminform"].form.initial["clears"] is True
    edit(browser, manager, account(**edited))
    assert not staff_accounts.clears_shops(manager)


def test_a_clerk_is_not_given_the_right_to_clear_a_shop(headquarters, clerk, shop):
    edit(browser_of(headquarters), clerk, account(shops=[shop.pk], clears="on"))
    assert not staff_accounts.clears_shops(clerk)


def test_a_new_password_ends_sessions_and_tokens(headquarters, clerk):
    theirs = browser_of(clerk)
    AuthToken.objects.create(user=clerk)
    answer = browser_of(headquarters).post(page(clerk, "new_password"), answered(password=PASSWORD, again=PASSWORD), follow=True)
    assert "已设置新密码" in said(answer)[0]
    assert not AuthToken.objects.filter(user=clerk).exists()
    assert theirs.get("/admin/").status_code == 302


@pytest.mark.parametrize(
    ("password", "again"),
    [
        ("short", "short"),
        ("xiguan-2026", "xiguan-2026"),
        ("Zq7-vTk92mX", "Zq7-vTk92mX"),
        ("123456789012", "123456789012"),
        (PASSWORD, "another-one-26"),
    ],
)
def test_a_weak_or_mistyped_password_is_refused(headquarters, clerk, password, again):
    answer = browser_of(headquarters).post(page(clerk, "new_password"), answered(password=password, again=again))
    assert answer.context["form"].errors
    assert User.objects.get(pk=clerk.pk).check_password("demo-pass-2026")


def test_who_changes_the_own_password_stays_here_and_is_logged_out_everywhere_else(api, clerk):
    here, there, token = browser_of(clerk), browser_of(clerk), api.as_user(clerk)
    typed = {"old_password": "demo-pass-2026", "new_password1": PASSWORD, "new_password2": PASSWORD}
    assert here.get(OWN).status_code == 200
    assert here.post(OWN, typed).url == "/admin/password_change/done/"
    assert User.objects.get(pk=clerk.pk).check_password(PASSWORD)
    assert not AuthToken.objects.filter(user=clerk).exists()
    assert token.get("/api/shop/getlist").status_code == 401
    assert [browser.get("/admin/groupbuy/order/").status_code for browser in (here, there)] == [200, 302]
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.change_message) == (clerk, str(clerk.pk), "已修改自己的密码")


def test_the_own_password_is_changed_by_who_knows_it(clerk):
    typed = {"old_password": "wrong", "new_password1": PASSWORD, "new_password2": PASSWORD}
    assert "old_password" in browser_of(clerk).post(OWN, typed).context["form"].errors
    assert User.objects.get(pk=clerk.pk).check_password("demo-pass-2026")
    assert not LogEntry.objects.exists()


def test_the_service_refuses_whoever_is_not_headquarters(manager, clerk, shop):
    with pytest.raises(Forbidden):
        staff_accounts.set_password(user=clerk, password=PASSWORD, principal=principal_of(manager))
    with pytest.raises(Forbidden):
        staff_accounts.assign_role(user=clerk, role=Role.HEADQUARTERS, secrets=False, principal=principal_of(manager))


def test_headquarters_unlocks_who_failed_to_log_in(headquarters, clerk):
    AccessAttempt.objects.create(username=clerk.username, ip_address="127.0.0.1", failures_since_start=10, attempt_time=timezone.now())
    answer = browser_of(headquarters).post(page(clerk, "unlock"), answered(), follow=True)
    assert "已解除" in said(answer)[0]
    assert not AccessAttempt.objects.exists()


def test_a_buyer_can_only_be_locked_out(headquarters, buyer):
    browser = browser_of(headquarters)
    edit(browser, buyer, {"nickname": "改名", "username": "evil", "role": "headquarters"})
    buyer.refresh_from_db()
    assert (buyer.is_active, buyer.is_staff, buyer.username) == (False, False, None)
    assert buyer.nickname != "改名"
    assert not buyer.groups.exists()


def test_what_was_done_is_on_record_for_the_tenant(headquarters, clerk, manager):
    browser_of(headquarters).post(page(clerk, "new_password"), answered(password=PASSWORD, again=PASSWORD))
    assert "已设置新密码" in words(browser_of(headquarters).get("/admin/admin/logentry/"))
    stranger = factories.StaffFactory(role=Role.HEADQUARTERS)
    assert "已设置新密码" not in words(browser_of(stranger).get("/admin/admin/logentry/"))
    assert browser_of(manager).get("/admin/admin/logentry/").status_code == 403
