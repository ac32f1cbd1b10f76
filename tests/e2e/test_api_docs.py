"""The page of the OpenAPI schema: every operation, and one tried out."""

import pytest
from playwright.sync_api import expect

from tests.contract.specification import METHODS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.slow]
DESKTOP = {"width": 1280, "height": 900}
LOGINS = 3  # login, logout, wechatlogin


def test_every_operation_is_shown_and_one_can_be_tried_out(new_page, group_buying):
    page = new_page(viewport=DESKTOP)
    page.goto("/api/docs/")
    expect(page.locator(".opblock")).to_have_count(len(METHODS) + LOGINS)
    operation = page.locator("#operations-groupbuy-groupbuy_get")
    operation.get_by_role("button").first.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_placeholder("id").fill(str(group_buying.pk))
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table tbody .response-col_status")).to_contain_text("200")
    expect(operation.locator(".live-responses-table")).to_contain_text(group_buying.name)
