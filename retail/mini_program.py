"""The mini-program's few server calls. ``session_key`` never leaves here, and no error carries a URL: it holds the secret."""

import json
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests
from django.conf import settings
from django.core.cache import cache
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from urllib3.exceptions import NewConnectionError

from retail import slow_servers
from retail.models import AppSecret, Tenant
from retail.refusals import Unavailable

log = logging.getLogger(__name__)
CONNECT_SECONDS, READ_SECONDS = 3.0, 5.0
SANDBOX_PREFIX = "sandbox:"
SCENE_MAX = 32
# A token is renewed this long before it ends.
TOKEN_MARGIN_SECONDS = 300
DAY = 24 * 60 * 60
CARRIERS_KEY = "mini-program-carriers"
# How long it is believed that an app is managed, and that it isn't: somebody may just be applying for it.
MANAGED_SECONDS, UNMANAGED_SECONDS = DAY, 60 * 60
PRESALE = 1
# developers.weixin.qq.com, 全局返回码. Busy, or asked too often:
BUSY = frozenset({-1, 45009, 45011})
# The token has ended or was taken back:
TOKEN_OVER = frozenset({40001, 40014, 42001})
# The app id or secret is wrong, the secret is frozen, this server's address isn't allowed, or the function isn't granted:
MISCONFIGURED = frozenset({40013, 40125, 40164, 40243, 41002, 41004, 48001, 50002, 61024})

# What staff can put right themselves.
WRONG_SECRET: dict[Any, Any] = {
    40001: gettext_lazy("AppSecret 不正确"),
    40013: gettext_lazy("AppId 不正确，请与平台核对"),
    40125: gettext_lazy("AppSecret 不正确"),
    40164: gettext_lazy("小程序的 IP 白名单里没有本系统的服务器"),
    40243: gettext_lazy("AppSecret 已冻结，请在微信公众平台解冻"),
}


class Unknown(Unavailable):
    """The call went out, and no answer tells what came of it: it may have been done."""


class Refused(Exception):
    """WeChat says no: a code that is wrong or used, a person who didn't subscribe, an order that isn't paid."""

    def __init__(self, errcode: int) -> None:
        self.errcode = errcode
        super().__init__(str(errcode))


@dataclass(frozen=True)
class Session:
    open_id: str
    union_id: str = ""


@dataclass(frozen=True)
class Shipment:
    """What was handed over for a payment: picked up, or sent with a carrier (WeChat's code of it) and its number."""

    transaction_id: str
    open_id: str
    description: str
    is_pick_up: bool
    carrier: str = ""
    tracking_number: str = ""
    phone: str = ""


def is_real() -> bool:
    """The sandbox talks to nobody."""
    return str(settings.LOGIN_PROVIDER) == "wechat"


def app_id_of(tenant: Tenant) -> str:
    """The app that a tenant's buyers log in to and pay in: its own, else the environment's."""
    return tenant.app_id or settings.WECHAT_APP_ID


def code_to_session(*, code: str, tenant: Tenant) -> Session:
    """Who logged in (``auth.code2Session``). ``sandbox:<name>`` gives ``sandbox-<name>`` under ``LOGIN_PROVIDER=sandbox``.

    Raises Refused, Unavailable.
    """
    if not is_real():
        name = code.removeprefix(SANDBOX_PREFIX)
        if not code.startswith(SANDBOX_PREFIX) or not name:
            raise Refused(40029)
        return Session(open_id=f"sandbox-{name}")
    asked = secrets_of(tenant) | {"js_code": code, "grant_type": "authorization_code"}
    answer = json_of(send("GET", "/sns/jscode2session", params=asked))
    return Session(open_id=text_in(answer, "openid"), union_id=str(answer.get("unionid") or "")[:128])


def phone_number(*, code: str, tenant: Tenant) -> str:
    """The phone number behind a ``phoneCode``; in the sandbox the code itself after ``sandbox:``. Raises Refused, Unavailable."""
    if not is_real():
        return code.removeprefix(SANDBOX_PREFIX)[:20]
    phone = json_of(send_with_token(tenant, "/wxa/business/getuserphonenumber", {"code": code})).get("phone_info")
    return str(phone.get("purePhoneNumber") or "")[:20] if isinstance(phone, dict) else ""


def send_message(*, tenant: Tenant, open_id: str, template_id: str, page: str, values: dict[str, str]) -> None:
    """A subscription message; ``values`` by the template's keywords. The sandbox sends none.

    WeChat shows it as often as it is asked to: after Unknown it must not be sent again.
    Raises Refused (43101: the person didn't subscribe, or has used the subscription up), Unknown, Unavailable.
    """
    if not is_real():
        return
    body: dict[str, Any] = {"touser": open_id, "template_id": template_id}
    body["data"] = {keyword: {"value": value} for keyword, value in values.items()}
    if page:
        body["page"] = page
    json_of(send_with_token(tenant, "/cgi-bin/message/subscribe/send", body))


def share_code(*, tenant: Tenant, scene: str, page: str) -> bytes:
    """The picture of an unlimited code that opens ``page`` with ``scene`` (1 to 32 characters). Raises ValueError, Refused, Unavailable."""
    if not 0 < len(scene) <= SCENE_MAX:
        raise ValueError("a scene has 1 to 32 characters")
    if not is_real():
        raise Unavailable
    response = send_with_token(tenant, "/wxa/getwxacodeunlimit", {"scene": scene, "page": page, "check_path": False})
    if not response.headers.get("Content-Type", "").startswith("image/"):
        raise Unavailable
    return response.content


def upload_shipping(*, tenant: Tenant, shipment: Shipment, now: datetime) -> None:
    """Tell WeChat that the goods were handed over, whereupon it releases the payment. The sandbox has nothing to release.

    The same again, ``now`` included, changes nothing. Raises Refused (10060001: no such payment yet; 10060023: told before), Unavailable.
    """
    if not is_real():
        return
    parcel: dict[str, Any] = {"item_desc": shipment.description[:120]}
    if not shipment.is_pick_up:
        parcel |= {"express_company": shipment.carrier, "tracking_no": shipment.tracking_number}
        parcel["contact"] = {"receiver_contact": f"{shipment.phone[:3]}****{shipment.phone[-4:]}"}
    body = {
        "order_key": {"order_number_type": 2, "transaction_id": shipment.transaction_id},
        "logistics_type": 4 if shipment.is_pick_up else 1,
        "delivery_mode": 1,
        "shipping_list": [parcel],
        "upload_time": timezone.localtime(now).isoformat(timespec="milliseconds"),
        "payer": {"openid": shipment.open_id},
    }
    json_of(send_with_token(tenant, "/wxa/sec/order/upload_shipping_info", body))


def is_trade_managed(tenant: Tenant) -> bool:
    """Whether WeChat wants shipping information of the tenant's app, and keeps the money until then. Raises Refused, Unavailable."""
    app_id = app_id_of(tenant)
    key = f"mini-program-managed-{app_id}"
    managed: bool | None = cache.get(key)
    if managed is None:
        managed = json_of(send_with_token(tenant, "/wxa/sec/order/is_trade_managed", {"appid": app_id})).get("is_trade_managed") is True
        cache.set(key, managed, MANAGED_SECONDS if managed else UNMANAGED_SECONDS)
    return managed


def open_orders_at(*, tenant: Tenant, page: str) -> None:
    """From now on WeChat's 小程序购物订单 and its notices of shipping open ``page`` (pages/order) of the tenant's app.

    The first with ``outTradeNo``, the second with ``merchant_trade_no``: both the number of the payment. Raises Refused, Unavailable.
    """
    json_of(send_with_token(tenant, "/wxa/sec/order/update_order_detail_path", {"path": f"{page}?outTradeNo=${{商品订单号}}"}))
    json_of(send_with_token(tenant, "/wxa/sec/order/set_msg_jump_path", {"path": page}))


def announce_presale(*, tenant: Tenant, transaction_id: str, until: datetime) -> None:
    """Tell WeChat that the goods of a payment go out later than 15 days after it (特殊发货报备); it tells the buyer. Again is harmless.

    ``until`` is at most 330 days after the payment. Raises Refused (268546002: no payment that waits for its goods), Unavailable.
    """
    if not is_real():
        return
    body = {"order_id": transaction_id, "type": PRESALE, "delay_to": int(until.timestamp())}
    json_of(send_with_token(tenant, "/wxa/sec/order/opspecialorder", body))


def carriers(tenant: Tenant) -> dict[str, str]:
    """WeChat's codes of the carriers by their names, asked for once a day. Raises Refused, Unavailable."""
    codes: dict[str, str] | None = cache.get(CARRIERS_KEY)
    if codes is None:
        listed = json_of(send_with_token(tenant, "/cgi-bin/express/delivery/open_msg/get_delivery_list", {})).get("delivery_list")
        rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
        codes = {str(row.get("delivery_name")): str(row.get("delivery_id")) for row in rows}
        cache.set(CARRIERS_KEY, codes, DAY)
    return codes


def secrets_of(tenant: Tenant) -> dict[str, str]:
    """The app's id and secret. A tenant's own app has its own secret, or is the environment's. Raises Unavailable."""
    app_id = app_id_of(tenant)
    own = AppSecret.objects.filter(tenant=tenant).first() if tenant.app_id else None
    secret = own.value if own else shared_secret(app_id)
    if not app_id or not secret:
        log.error("the mini-program of tenant %s has no app id or secret", tenant.pk)
        raise Unavailable
    return {"appid": app_id, "secret": secret}


def shared_secret(app_id: str) -> str:
    """The environment's secret, where it belongs to the app; "" where not."""
    return str(settings.WECHAT_APP_SECRET) if settings.WECHAT_APP_ID in ("", app_id) else ""


def without_secret() -> list[Tenant]:
    """The tenants in use whose people can't log in, for ``secrets_of`` has nothing for their app."""
    tenants = Tenant.objects.filter(in_use=True).annotate(own=Exists(AppSecret.objects.filter(tenant=OuterRef("pk")))).order_by("pk")
    lacking = (
        tenant for tenant in tenants if not (tenant.app_id and tenant.own) and not (app_id_of(tenant) and shared_secret(app_id_of(tenant)))
    )
    return list(lacking) if is_real() else []


def try_secret(tenant: Tenant) -> str:
    """What is wrong with the tenant's own app id and secret, in words for staff; "" when WeChat gives an access token for them.

    Asks anew, whatever is in the cache, and leaves a token that is in use as it is.
    """
    if not tenant.app_id:
        return _("平台还没有登记此商家自己的小程序 AppId，密钥暂不使用")
    if not is_real():
        return _("当前是演示登录，不连接微信")
    try:
        answer = object_in(ask_for_token(tenant)) or {}
    except Unavailable:
        return _("暂时无法连接微信，请稍后再试")
    if answer.get("access_token"):
        return ""
    errcode = answer.get("errcode")
    return str(WRONG_SECRET.get(errcode) or _("微信没有给出令牌（错误码 %(code)s）") % {"code": errcode or "—"})


def ask_for_token(tenant: Tenant) -> requests.Response:
    """``stable_token``: asking again gives the same one. Raises Unknown, Unavailable."""
    return send("POST", "/cgi-bin/stable_token", body=secrets_of(tenant) | {"grant_type": "client_credential", "force_refresh": False})


def token_of(tenant: Tenant, *, renew: bool = False) -> str:
    """The app's access token, kept in the cache while it lives."""
    key = f"mini-program-token-{app_id_of(tenant)}"
    token = None if renew else cache.get(key)
    if token is None:
        try:
            answer = json_of(ask_for_token(tenant))
        except Unknown:
            # Of a call that had no token it is known that nothing was done.
            raise Unavailable from None
        token, lifetime = text_in(answer, "access_token"), answer.get("expires_in")
        cache.set(key, token, max(lifetime - TOKEN_MARGIN_SECONDS, 1) if isinstance(lifetime, int) else TOKEN_MARGIN_SECONDS)
    return str(token)


def send_with_token(tenant: Tenant, path: str, body: dict[str, Any]) -> requests.Response:
    """A POST with the access token; one that has ended is renewed once."""
    response = send("POST", path, params={"access_token": token_of(tenant)}, body=body)
    if errcode_in(response) in TOKEN_OVER:
        response = send("POST", path, params={"access_token": token_of(tenant, renew=True)}, body=body)
    errcode = errcode_in(response)
    if errcode:
        raise refusal(errcode)
    return response


def send(method: str, path: str, *, params: dict[str, str] | None = None, body: dict[str, Any] | None = None) -> requests.Response:
    """One call. Raises Unknown, Unavailable."""
    # Not ``json=``: WeChat shows escaped characters as they are.
    sent = None if body is None else json.dumps(body, ensure_ascii=False).encode()
    headers, server = {"Content-Type": "application/json"} if sent else None, settings.WECHAT_API_BASE_URL
    try:
        with slow_servers.waiting_for(server, seconds=READ_SECONDS) as granted:
            timeout = (min(CONNECT_SECONDS, granted), granted)
            response = requests.request(
                method, server + path, params=params, data=sent, headers=headers, timeout=timeout, allow_redirects=False
            )
    except (requests.RequestException, ValueError, slow_servers.Stalls) as error:
        log.warning("mini-program call %s: %s", path, type(error).__name__)
        # From None: the original message carries the URL, and with it the secret.
        raise (Unavailable if never_left(error) else Unknown) from None
    if response.status_code != 200:
        log.warning("mini-program call %s: HTTP %s", path, response.status_code)
        raise Unknown
    return response


def never_left(error: Exception) -> bool:
    """No connection came about, so that WeChat can't have done anything."""
    if isinstance(error, requests.ConnectTimeout | ValueError | slow_servers.Stalls):
        return True
    reason = getattr(error.args[0], "reason", None) if isinstance(error, requests.ConnectionError) and error.args else None
    return isinstance(reason, NewConnectionError)


def json_of(response: requests.Response) -> dict[str, Any]:
    """The JSON object of an answer without an ``errcode``. Raises Refused, Unknown, Unavailable."""
    answer = object_in(response)
    if answer is None:
        raise Unknown
    if answer.get("errcode"):
        raise refusal(answer["errcode"])
    return answer


def object_in(response: requests.Response) -> dict[str, Any] | None:
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def errcode_in(response: requests.Response) -> Any:
    """A picture has none."""
    answer = None if response.headers.get("Content-Type", "").startswith("image/") else object_in(response)
    return answer.get("errcode", 0) if answer else 0


def refusal(errcode: Any) -> Exception:
    """What an ``errcode`` means to the caller: a "no", or something that passes or that a person must put right."""
    if type(errcode) is not int:
        return Unknown()
    if errcode in BUSY | TOKEN_OVER:
        return Unavailable()
    if errcode in MISCONFIGURED:
        log.error("the mini-program is misconfigured: errcode %s", errcode)
        return Unavailable()
    return Refused(errcode)


def text_in(answer: dict[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise Unavailable
    return value
