"""What stops a start before it can cost anybody money."""

import pytest

from groupbuy.checks import MERCHANT_SETTINGS, check_money


@pytest.fixture
def production(settings):
    settings.DEBUG = settings.DEMO = False
    settings.PUBLIC_BASE_URL = "https://shop.example.com"
    settings.PAYMENT_GATEWAY = settings.LOGIN_PROVIDER = "wechat"
    return settings


def found() -> list[str]:
    return [message.id.removeprefix("groupbuy.") for message in check_money(None)]


def test_demo_and_debug_may_pretend(settings):
    settings.DEMO, settings.DEBUG = True, False
    assert found() == []
    settings.DEMO, settings.DEBUG = False, True
    assert found() == []


@pytest.mark.parametrize("name", ["PAYMENT_GATEWAY", "LOGIN_PROVIDER"])
def test_production_may_not(fake_wechat, production, name):
    setattr(production, name, "sandbox")
    assert found() == ["E001"]


def test_good_settings_are_fine(fake_wechat, production):
    production.PUBLIC_BASE_URL = "https://shop.example.com"
    assert found() == []


@pytest.mark.parametrize(
    ("url", "errors"),
    [("http://shop.example.com", ["E002"]), ("ftp://x", ["E002"]), ("http://127.0.0.1:8000", []), ("http://localhost", [])],
)
def test_notifications_come_by_https_or_from_this_machine(fake_wechat, production, url, errors):
    production.PUBLIC_BASE_URL = url
    assert found() == errors


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost", "https://192.168.1.7", "https://shop.lan"])
def test_the_real_wechat_reaches_no_address_of_this_house(fake_wechat, production, url):
    production.PUBLIC_BASE_URL, production.WECHAT_PAY_BASE_URL = url, "https://api.mch.weixin.qq.com"
    assert found() == ["W002"]


@pytest.mark.parametrize(
    ("url", "errors"),
    [
        ("https://api.mch.weixin.qq.com", []),
        ("https://api2.mch.weixin.qq.com", []),
        ("http://127.0.0.1:9", []),
        ("https://api.mch.weixin.qq.com@evil.example", ["E003"]),
        ("https://pay.example.com", ["E003"]),
    ],
)
def test_wechat_pay_is_wechats_or_on_this_machine(fake_wechat, production, url, errors):
    production.WECHAT_PAY_BASE_URL = url
    assert found() == errors


def test_the_mini_programs_calls_too(fake_wechat, production):
    production.WECHAT_API_BASE_URL = "https://api.example.com"
    assert found() == ["E006"]


@pytest.mark.parametrize("name", MERCHANT_SETTINGS)
def test_a_missing_setting_is_named(fake_wechat, production, name):
    setattr(production, name, "")
    messages = check_money(None)
    assert [message.id for message in messages] == ["groupbuy.E004"]
    assert name in messages[0].msg


def test_none_at_all_may_mean_that_tenants_bring_their_own(production):
    for name in MERCHANT_SETTINGS:
        setattr(production, name, "")
    assert found() == ["W001"]


@pytest.mark.parametrize("name", ["WECHAT_MCH_PRIVATE_KEY_FILE", "WECHAT_PAY_PUBLIC_KEY_FILE"])
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"no key"])
def test_a_key_file_that_cannot_be_read(fake_wechat, production, tmp_path, name, content):
    if content is not None:
        (tmp_path / "key.pem").write_bytes(content)
    setattr(production, name, str(tmp_path / "key.pem"))
    assert found() == ["E005"]


@pytest.mark.parametrize(
    ("name", "value"), [("WECHAT_PAY_API_V3_KEY", "31 characters are one too few.."), ("WECHAT_PAY_PUBLIC_KEY_ID", "5157F0")]
)
def test_a_key_of_the_wrong_form(fake_wechat, production, name, value):
    setattr(production, name, value)
    assert found() == ["E005"]
