"""Whatever staff type into a form of the admin: a sentence or a row, never a 500, and no page or job of anybody's fails on it."""

from datetime import date, datetime
from typing import Any

import pytest
from django import forms
from django.test import Client
from django.utils import timezone

from config import schedule
from groupbuy.models import GroupBuying
from retail.backoffice import visible
from retail.models import User
from retail.principals import principal_of
from shops.models import ConfigItem, ConfigValue, Shop
from tests.support import factories
from tests.support.back_office import fill, marks, page, pages_of_lists
from tests.support.pages import browser_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
TEXTS = ("\0", "x" * 5000, "{0.__class__}{id{%")
IDS = ("9" * 30,)
NUMBERS = (*IDS, "2147483648", "1e400")
DAYS = ("0001-01-01", "9999-12-31")


def extremes_of(field: forms.Field) -> tuple[str, ...]:
    if isinstance(field, forms.SplitDateTimeField | forms.DateField | forms.DateTimeField):
        return DAYS
    if isinstance(field, forms.ModelChoiceField):
        return IDS
    if isinstance(field, forms.IntegerField):
        return NUMBERS
    return () if isinstance(field, forms.BooleanField | forms.FileField) else TEXTS


def sent(form: forms.BaseForm) -> dict[str, Any]:
    """What a browser sends of a form that nobody touched."""
    values: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        if isinstance(bound.field, forms.MultiValueField):
            local = timezone.localtime(value) if isinstance(value, datetime) else timezone.localtime()
            values |= {f"{bound.html_name}_0": f"{local:%Y-%m-%d}", f"{bound.html_name}_1": f"{local:%H:%M:%S}"}
        elif isinstance(value, list | tuple):
            values[bound.html_name] = [getattr(one, "pk", one) for one in value]
        elif value not in (None, False) and not isinstance(bound.field, forms.FileField):
            values[bound.html_name] = "on" if value is True else f"{value:%Y-%m-%d}" if isinstance(value, date) else value
    return values


def formsets_of(response: Any) -> dict[str, Any]:
    management: dict[str, Any] = {}
    for inline in response.context.get("inline_admin_formsets") or []:
        management |= {f"{inline.formset.prefix}-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    return management


def typed(form: forms.BaseForm, name: str, value: str) -> dict[str, str]:
    return {f"{name}_0": value} if isinstance(form.fields[name], forms.MultiValueField) else {name: value}


def type_all(browser: Client, address: str) -> int:
    """Every field of the form at ``address`` with every extreme value; how many there were."""
    seen = browser.get(address)
    if seen.status_code == 403 or not seen.context["adminform"].form.fields:
        # Nobody's to write, or only looked at.
        return 0
    form = seen.context["adminform"].form
    untouched = sent(form) | formsets_of(seen) | marks(seen)
    tried = [(name, value) for name, field in form.fields.items() for value in extremes_of(field)]
    for name, value in tried:
        answer = browser.post(address, untouched | typed(form, name, value))
        assert answer.status_code < 500, (address, name, value[:20])
        untouched |= marks(answer if answer.status_code == 200 else browser.get(address))
    return len(tried)


@pytest.fixture
def platform(db) -> User:
    return User.objects.create_superuser("root", "demo-pass-2026", nickname="平台")


@pytest.fixture
def neighbour(now) -> GroupBuying:
    """Another tenant, whose pages and jobs are none of this tenant's business."""
    return factories.GroupBuyingFactory(name="邻家的团", min_qty=1)


def assert_all_is_well(now: datetime, staff: list[User]) -> None:
    for shop in Shop.objects.filter(removed_at=None):
        assert Client().get(f"/s/{shop.pk}/").status_code == 200
    for group_buying in GroupBuying.objects.all():
        assert Client().get(f"/g/{group_buying.pk}/").status_code == 200
    assert Client().get("/").status_code == 200
    for name, (job, _seconds) in schedule.JOBS.items():
        assert getattr(job(now=now), "failed", 0) == 0, name
    for person in staff:
        browser = browser_of(person)
        for model, address in pages_of_lists():
            assert browser.get(address).status_code in (200, 403), (model, person)


def test_no_form_takes_what_takes_others_down(platform, headquarters, shop, manager, neighbour, now, settings):
    settings.DEFAULT_TENANT = neighbour.tenant.code
    fill(shop, manager)
    factories.LicenceFactory(shop=shop)
    tried, browser = 0, browser_of(platform)
    for model, add in pages_of_lists("add"):
        # The platform has them all. Where it makes none, it may change one.
        row = visible(model, principal_of(platform)).order_by("pk").first()
        tried += type_all(browser, add) or (type_all(browser, page(row)) if row else 0)
    assert tried > 100
    assert_all_is_well(now, [platform, headquarters, manager])


@pytest.mark.parametrize("text", TEXTS)
def test_no_setting_stops_a_job_or_a_page(shop, manager, neighbour, now, text):
    """As it may stand in a database of before: the form takes none of these."""
    fill(shop, manager)
    for item in ConfigItem.objects.all():
        ConfigValue.objects.update_or_create(item=item, tenant=shop.tenant, shop=None, defaults={"value": text.replace("\0", "9" * 20)})
    assert_all_is_well(now, [manager])
