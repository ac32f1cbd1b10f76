"""What must hold at the start wherever real money is taken; ``manage.py check`` says the same."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks

from groupbuy.payments.gateways import Misconfigured, accounts
from groupbuy.payments.gateways.wechat.client import OFFICIAL, client_of, is_trusted
from retail.checks import Reach, reach_of
from retail.logs.client_ip import LOOPBACK

MERCHANT_SETTINGS = (
    "WECHAT_MCH_ID",
    "WECHAT_MCH_CERT_SERIAL",
    "WECHAT_MCH_PRIVATE_KEY_FILE",
    "WECHAT_PAY_API_V3_KEY",
    "WECHAT_PAY_PUBLIC_KEY_FILE",
    "WECHAT_PAY_PUBLIC_KEY_ID",
)
OFFICIAL_API = ("https://api.weixin.qq.com", "https://api2.weixin.qq.com")


def check_money(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[checks.CheckMessage]:
    """The sandbox only where nobody's money is at stake; WeChat only with keys that can be read and addresses that can be trusted."""
    return [*sandbox_faults(), *(wechat_faults() if settings.PAYMENT_GATEWAY == "wechat" else []), *app_faults()]


def sandbox_faults() -> list[checks.CheckMessage]:
    if settings.DEBUG or settings.DEMO:
        return []
    pretended = [name for name in ("PAYMENT_GATEWAY", "LOGIN_PROVIDER") if getattr(settings, name) == "sandbox"]
    return [checks.Error(f"{name}=sandbox needs DEBUG or DEMO: anybody could pay or log in.", id="groupbuy.E001") for name in pretended]


def wechat_faults() -> list[checks.CheckMessage]:
    found: list[checks.CheckMessage] = []
    if not is_public(settings.PUBLIC_BASE_URL):
        found.append(checks.Error("PUBLIC_BASE_URL must be https for WeChat Pay (plain http on loopback only).", id="groupbuy.E002"))
    elif settings.WECHAT_PAY_BASE_URL in OFFICIAL and reach_of(urlsplit(settings.PUBLIC_BASE_URL).hostname or "") != Reach.ANYWHERE:
        why = f"WeChat can't reach {settings.PUBLIC_BASE_URL} with its notifications: payments are found only by asking for them."
        found.append(checks.Warning(f"{why} Set PUBLIC_BASE_URL to a public https address.", id="groupbuy.W002"))
    if not is_trusted(settings.WECHAT_PAY_BASE_URL):
        found.append(checks.Error("WECHAT_PAY_BASE_URL is neither WeChat's nor on this machine.", id="groupbuy.E003"))
    missing = [name for name in MERCHANT_SETTINGS if not getattr(settings, name)]
    if len(missing) == len(MERCHANT_SETTINGS):
        hint = "Fine when every tenant has a merchant account of its own in the admin."
        return [*found, checks.Warning("No WECHAT_MCH_… and WECHAT_PAY_… keys are set.", hint=hint, id="groupbuy.W001")]
    if missing:
        return [*found, checks.Error(f"WeChat Pay lacks {', '.join(missing)}.", id="groupbuy.E004")]
    return [*found, *key_faults()]


def key_faults() -> list[checks.CheckMessage]:
    try:
        client_of(accounts.merchant_of_environment(), OFFICIAL[0], (1, 1))
    except Misconfigured as error:
        return [checks.Error(f"WeChat Pay's keys: {error}.", id="groupbuy.E005")]
    return []


def app_faults() -> list[checks.CheckMessage]:
    """The mini-program's calls carry its secret: they go to WeChat or stay on this machine."""
    base_url = settings.WECHAT_API_BASE_URL
    if base_url in OFFICIAL_API or urlsplit(base_url).hostname in LOOPBACK:
        return []
    return [checks.Error("WECHAT_API_BASE_URL is neither WeChat's nor on this machine.", id="groupbuy.E006")]


def is_public(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
