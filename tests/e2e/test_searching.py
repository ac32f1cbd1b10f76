"""A buyer looks for one group buy among many: while typing, with the keyboard, and without script."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.support import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def two_offers(tenant, shop, now):
    for name, hours in (("红富士苹果", 5), ("大白菜", 50)):
        product = factories.ProductFactory(tenant=tenant, name=name)
        factories.GroupBuyingFactory(tenant=tenant, shop=shop, name=f"{name}团", product=product, end_at=now + timedelta(hours=hours))


def offer(page, name):
    return page.get_by_role("link", name=name)


def test_what_is_typed_is_found_in_place_and_the_address_keeps_it(page):
    page.goto("/")
    text = page.get_by_role("searchbox")
    text.press_sequentially("hfs")
    expect(page.get_by_text("找到 1 个团")).to_be_visible()
    expect(offer(page, "红富士苹果团")).to_be_visible()
    expect(offer(page, "大白菜团")).to_have_count(0)
    # The form is not swapped: who types goes on typing.
    expect(text).to_be_focused()
    expect(page).to_have_url(re.compile(r"q=hfs"))
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value("hfs")
    expect(offer(page, "大白菜团")).to_have_count(0)


def test_the_keyboard_alone_narrows_and_clears(page):
    page.goto("/")
    page.get_by_label("24 小时内截止").focus()
    page.keyboard.press("Space")
    expect(offer(page, "大白菜团")).to_have_count(0)
    page.get_by_role("searchbox").fill("榴莲")
    expect(page.get_by_role("heading", name="没有找到合适的团")).to_be_visible()
    page.get_by_role("link", name="清除条件，看全部").press("Enter")
    expect(offer(page, "大白菜团")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_have_value("")


def test_without_script_the_form_is_sent(new_page):
    page = new_page(java_script_enabled=False)
    page.goto("/")
    page.get_by_role("searchbox").fill("白菜")
    page.get_by_role("button", name="搜索").click()
    expect(offer(page, "大白菜团")).to_be_visible()
    expect(offer(page, "红富士苹果团")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(new_page, scheme):
    page = new_page(color_scheme=scheme)
    page.goto("/?q=榴莲&soon=1")
    expect(page.get_by_role("heading", name="没有找到合适的团")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
