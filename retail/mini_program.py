"""The mini-program's few server calls. ``session_key`` never leaves here, and no error carries a URL: it holds the secret."""

from dataclasses import dataclass

import requests
from django.conf import settings

from retail.wire.errors import Unavailable

TIMEOUT = (3, 5)
SANDBOX_PREFIX = "sandbox:"


class CodeRefused(Exception):
    """WeChat says that the code is wrong, used or expired."""


@dataclass(frozen=True)
class Session:
    open_id: str
    union_id: str = ""


def code_to_session(*, code: str, app_id: str) -> Session:
    """Who logged in (``auth.code2Session``). ``sandbox:<name>`` gives ``sandbox-<name>`` under ``LOGIN_PROVIDER=sandbox``."""
    if settings.LOGIN_PROVIDER == "sandbox":
        name = code.removeprefix(SANDBOX_PREFIX)
        if not code.startswith(SANDBOX_PREFIX) or not name:
            raise CodeRefused
        return Session(open_id=f"sandbox-{name}")
    answer = call("GET", "/sns/jscode2session", params=secrets_of(app_id) | {"js_code": code, "grant_type": "authorization_code"})
    return Session(open_id=str(answer["openid"]), union_id=str(answer.get("unionid") or ""))


def phone_number(*, code: str, app_id: str) -> str:
    """The phone number behind a ``phoneCode``; in the sandbox the code itself after ``sandbox:``."""
    if settings.LOGIN_PROVIDER == "sandbox":
        return code.removeprefix(SANDBOX_PREFIX)[:20]
    token = call("POST", "/cgi-bin/stable_token", json=stable_token_body(app_id))["access_token"]
    answer = call("POST", "/wxa/business/getuserphonenumber", params={"access_token": str(token)}, json={"code": code})
    phone = answer.get("phone_info")
    return str(phone["purePhoneNumber"])[:20] if isinstance(phone, dict) and "purePhoneNumber" in phone else ""


def secrets_of(app_id: str) -> dict[str, str]:
    return {"appid": app_id or settings.WECHAT_APP_ID, "secret": settings.WECHAT_APP_SECRET}


def stable_token_body(app_id: str) -> dict[str, str]:
    return secrets_of(app_id) | {"grant_type": "client_credential"}


def call(method: str, path: str, *, params: dict[str, str] | None = None, json: dict[str, str] | None = None) -> dict[str, object]:
    """One call; a refusal of WeChat (``errcode``) raises CodeRefused, everything else that fails Unavailable."""
    try:
        response = requests.request(method, settings.WECHAT_API_BASE_URL + path, params=params, json=json, timeout=TIMEOUT)
        answer = response.json()
    except (requests.RequestException, ValueError):
        # From None: the original message carries the URL, and with it the secret.
        raise Unavailable from None
    if response.status_code != 200 or not isinstance(answer, dict):
        raise Unavailable
    if answer.get("errcode"):
        raise CodeRefused(str(answer["errcode"]))
    return answer
