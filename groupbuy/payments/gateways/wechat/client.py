"""A merchant's keys, and the library's client made of them."""

from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from wechatpayv3 import WeChatPay, WeChatPayType

from groupbuy.payments.gateways import Misconfigured
from retail.logs.client_ip import LOOPBACK

OFFICIAL = ("https://api.mch.weixin.qq.com", "https://api2.mch.weixin.qq.com")


@dataclass(frozen=True)
class Merchant:
    """The keys of one merchant number, as PEM text."""

    mch_id: str
    cert_serial: str
    private_key: str = field(repr=False)
    api_v3_key: str = field(repr=False)
    public_key_id: str
    public_key: str = field(repr=False)


@lru_cache(maxsize=64)
def client_of(merchant: Merchant, base_url: str, timeout: tuple[float, float]) -> WeChatPay:
    """The library's client, its keys read once. Raises Misconfigured."""
    if not is_trusted(base_url):
        raise Misconfigured("WECHAT_PAY_BASE_URL is neither WeChat's nor on this machine")
    fault = fault_of(merchant)
    if fault:
        raise Misconfigured(fault)
    try:
        client = WeChatPay(
            WeChatPayType.MINIPROG,
            mchid=merchant.mch_id,
            private_key=merchant.private_key,
            cert_serial_no=merchant.cert_serial,
            appid="",
            apiv3_key=merchant.api_v3_key,
            public_key=merchant.public_key,
            public_key_id=merchant.public_key_id,
            # Its log has the keys in it.
            logger=None,
            timeout=timeout,
        )
    except Exception:
        raise Misconfigured(f"the keys of merchant {merchant.mch_id} can't be read") from None
    core = client._core
    if not isinstance(core._private_key, RSAPrivateKey) or not isinstance(core._public_key, RSAPublicKey):
        raise Misconfigured(f"the keys of merchant {merchant.mch_id} are not RSA keys")
    core._gate_way = base_url
    # With an answer of an unknown serial it would fetch certificates and believe them.
    core._update_certificates = lambda: None
    return client


def is_trusted(base_url: str) -> bool:
    """WeChat's own hosts, or a fake on this machine; nothing else may see what is signed with a merchant's key."""
    parts = urlsplit(base_url)
    return base_url in OFFICIAL or (parts.scheme in ("http", "https") and parts.hostname in LOOPBACK)


def fault_of(merchant: Merchant) -> str:
    """What is missing or of the wrong form; "" when nothing is."""
    missing = [name for name, value in vars(merchant).items() if not value]
    if missing:
        return f"of merchant {merchant.mch_id or '(no number)'} there is no {', '.join(missing)}"
    if not merchant.public_key_id.startswith("PUB_KEY_ID_"):
        return f"merchant {merchant.mch_id}: the id of WeChat's public key begins with PUB_KEY_ID_"
    if len(merchant.api_v3_key.encode()) != 32:
        return f"merchant {merchant.mch_id}: the API v3 key has 32 characters"
    return ""
