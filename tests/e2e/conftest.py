"""Chromium against the whole stack: our middleware serves pages, static files and pictures, as in production."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.files.base import ContentFile
from django.test.testcases import FSFilesHandler
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from config.demo.pictures import FOLDER
from groupbuy.models import GroupBuying
from retail.models import ProductImage, User
from tests.support import factories
from tests.support.pages import browser_of

# Two cores may be shared with the rest of the tests.
PATIENCE = 15_000
expect.set_options(timeout=PATIENCE)
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not executable:
        missing = "no Chromium: install it, or name it in CHROMIUM"
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(missing)
        pytest.skip(missing)
    # Playwright keeps an event loop running in this thread, beside which Django refuses its database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
            yield browser
            browser.close()
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def site(live_server, monkeypatch, settings, tenant) -> str:
    """The address of the running site; the test server's own handlers of static files and pictures stand aside."""
    for handler in (StaticFilesHandler, FSFilesHandler):
        monkeypatch.setattr(handler, "_should_handle", lambda self, path: False)
    settings.DEFAULT_TENANT = tenant.code
    settings.ALLOWED_HOSTS = ["*"]
    return live_server.url


@pytest.fixture
def new_page(chromium, site) -> Iterator[Callable[..., Page]]:
    """Opens pages, each in a browser of its own; none of them may say anything on the console or break the content policy."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(*, user: User | None = None, **options: object) -> Page:
        context = chromium.new_context(base_url=site, locale="zh-CN", **({"viewport": PHONE} | options))
        contexts.append(context)
        if user is not None:
            context.add_cookies([{"name": "sessionid", "value": browser_of(user).cookies["sessionid"].value, "url": site}])
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(new_page) -> Page:
    """A visitor's phone."""
    return new_page()


@pytest.fixture
def group_buying(tenant, shop) -> GroupBuying:
    group_buying = factories.GroupBuyingFactory(tenant=tenant, shop=shop, name="赣南脐橙当日到店", product__name="赣南脐橙")
    for name in ("tangerine.webp", "mandarin.webp"):
        ProductImage.objects.create(product=group_buying.product, image=ContentFile((FOLDER / name).read_bytes(), name))
    return group_buying
