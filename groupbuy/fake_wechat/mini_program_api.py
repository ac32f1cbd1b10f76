"""The mini-program's server calls (api.weixin.qq.com), as far as a shop needs them."""

import hashlib
import secrets
import struct
import zlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from groupbuy.fake_wechat.books import PAID, Books, Refusal, Trade
from groupbuy.fake_wechat.keys import Merchant
from groupbuy.fake_wechat.pay_api import is_time

EXPRESS = 1
PRESALE = 1
DAY = 24 * 60 * 60
CARRIERS = {"顺丰速运": "SF", "中通快递": "ZTO", "中通快运": "ZTOKY", "圆通速递": "YTO", "韵达快递": "YD"}
Call = Callable[[Books, dict[str, Any], dict[str, Any]], "dict[str, Any] | bytes"]


class ErrCode(Exception):
    """An ``errcode`` answer; its HTTP status is 200."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        self.answer = {"errcode": errcode, "errmsg": errmsg}
        super().__init__(errmsg)


def app_of(books: Books, app_id: object, secret: object) -> Merchant:
    app = next((merchant for merchant in books.merchants.values() if merchant.app_id == app_id), None)
    if app is None:
        raise ErrCode(40013, "invalid appid")
    if secret != app.app_secret:
        raise ErrCode(40125, "invalid appsecret")
    return app


def open_id_of(app_id: str, code: str) -> str:
    """The same person (the code after ``who:``) has the same open id in one app, another one elsewhere."""
    return "o" + hashlib.sha256(f"{app_id}/{person(code)}".encode()).hexdigest()[:27]


def person(code: str) -> str:
    """``who:xiaowang:1`` and ``who:xiaowang:2`` are two codes of one person; any other code is a person of its own."""
    return code.split(":")[1] if code.startswith("who:") else code


def code_to_session(books: Books, query: dict[str, Any], _body: dict[str, Any]) -> dict[str, Any]:
    app = app_of(books, query.get("appid"), query.get("secret"))
    use_code(books, str(query.get("js_code", "")))
    code = str(query["js_code"])
    return {
        "openid": open_id_of(app.app_id, code),
        "unionid": "u" + hashlib.sha256(person(code).encode()).hexdigest()[:27],
        "session_key": secrets.token_urlsafe(18),
    }


def use_code(books: Books, code: str) -> None:
    if not code or code.startswith("bad"):
        raise ErrCode(40029, "invalid code")
    if code in books.used_codes:
        raise ErrCode(40163, "code been used")
    books.used_codes.add(code)


def stable_token(books: Books, _query: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    app = app_of(books, body.get("appid"), body.get("secret"))
    token = books.tokens.setdefault(app.app_id, secrets.token_urlsafe(32))
    return {"access_token": token, "expires_in": 7200}


def with_token(books: Books, query: dict[str, Any]) -> str:
    """The app id behind the access token."""
    for app_id, token in books.tokens.items():
        if token == query.get("access_token"):
            return app_id
    raise ErrCode(40001, "invalid credential, access_token is invalid or not latest")


def phone_number(books: Books, query: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    app_id = with_token(books, query)
    use_code(books, str(body.get("code", "")))
    digits = f"138{int(hashlib.sha256(person(str(body['code'])).encode()).hexdigest(), 16) % 10**8:08d}"
    phone = {"phoneNumber": digits, "purePhoneNumber": digits, "countryCode": "86", "watermark": {"appid": app_id}}
    return {"errcode": 0, "errmsg": "ok", "phone_info": phone}


def send_message(books: Books, query: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    with_token(books, query)
    if not all(body.get(name) for name in ("touser", "template_id", "data")):
        raise ErrCode(47003, "argument invalid")
    if str(body["touser"]).startswith("refuses"):
        raise ErrCode(43101, "user refuse to accept the msg")
    books.messages.append(body)
    return {"errcode": 0, "errmsg": "ok"}


def share_code(books: Books, query: dict[str, Any], body: dict[str, Any]) -> bytes:
    with_token(books, query)
    if not 0 < len(str(body.get("scene", ""))) <= 32:
        raise ErrCode(40169, "invalid length for scene, or the data is not json string")
    books.share_codes.append(body)
    return png()


def png() -> bytes:
    """One white pixel."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\x00\xff")) + chunk(b"IEND", b"")


def upload_shipping(books: Books, query: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """One upload and one correction for each payment."""
    app_id = with_token(books, query)
    needed = ("order_key", "logistics_type", "delivery_mode", "shipping_list", "upload_time", "payer")
    if not all(body.get(name) for name in needed) or not isinstance(body["order_key"], dict):
        raise ErrCode(47001, "data format error")
    number = str(body["order_key"].get("transaction_id") or body["order_key"].get("out_trade_no") or "")
    trade = paid_trade(books, number, app_id)
    if trade is None:
        raise ErrCode(10060001, "支付单不存在")
    check_shipment(trade, body)
    told = [shipment for shipment in books.shipments if shipment["order_key"] == body["order_key"]]
    if body in told:
        raise ErrCode(10060023, "发货信息未更新")
    if len(told) >= 2:
        raise ErrCode(10060003, "支付单已使用重新发货机会")
    books.shipments.append(body)
    return {"errcode": 0, "errmsg": "ok"}


def paid_trade(books: Books, number: str, app_id: str) -> Trade | None:
    """What was paid in this app: it knows no payments of another, nor those of web pages."""
    try:
        trade = books.any_trade(number)
    except Refusal:
        return None
    return trade if trade.state in PAID and trade.asked["appid"] == app_id else None


def keep_order_path(books: Books, query: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    app_id, path = with_token(books, query), str(body.get("path", ""))
    if "${商品订单号}" not in path:
        raise ErrCode(47001, "path must contain ${商品订单号}")
    books.order_paths.setdefault(app_id, {})["orders"] = path
    return {"errcode": 0, "errmsg": "ok"}


def keep_message_path(books: Books, query: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    books.order_paths.setdefault(with_token(books, query), {})["notices"] = str(body.get("path", ""))
    return {"errcode": 0, "errmsg": "ok"}


def is_trade_managed(books: Books, query: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    if body.get("appid") != with_token(books, query):
        raise ErrCode(40013, "invalid appid")
    return {"errcode": 0, "errmsg": "ok", "is_trade_managed": books.is_trade_managed}


def announce_presale(books: Books, query: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """A sale whose goods go out 15 to 330 days after it was paid for."""
    trade = paid_trade(books, str(body.get("order_id", "")), with_token(books, query))
    if body.get("type") != PRESALE:
        raise ErrCode(268546000, "type非法")
    if trade is None or any(shipment["order_key"].get("transaction_id") == trade.transaction_id for shipment in books.shipments):
        raise ErrCode(268546002, "账户不存在这个待发货单号")
    until = body.get("delay_to")
    days = (until - datetime.fromisoformat(trade.success_time).timestamp()) / DAY if type(until) is int else 0
    if not 15 < days <= 330:
        raise ErrCode(268546001, "delay_to非法")
    books.presales.append(body)
    return {"errcode": 0, "errmsg": "ok"}


def check_shipment(trade: Trade, body: dict[str, Any]) -> None:
    if body["payer"] != {"openid": trade.asked["payer"]["openid"]}:
        raise ErrCode(10060031, "该笔支付单不属于 openid 所指定的用户")
    if not is_time(body["upload_time"]):
        raise ErrCode(268485216, "上传时间非法，请使用 RFC 3339 格式")
    for parcel in body["shipping_list"]:
        if not 0 < len(parcel.get("item_desc", "")) <= 120:
            raise ErrCode(10060009, "商品描述 item_desc 字段太长")
        if body["logistics_type"] == EXPRESS and not parcel.get("tracking_no"):
            raise ErrCode(268485226, "物流单号不能为空")
        if body["logistics_type"] == EXPRESS and parcel.get("express_company") not in CARRIERS.values():
            raise ErrCode(268485227, "物流公司编码不能为空")


def carriers(books: Books, query: dict[str, Any], _body: dict[str, Any]) -> dict[str, Any]:
    with_token(books, query)
    listed = [{"delivery_id": code, "delivery_name": name} for name, code in CARRIERS.items()]
    return {"errcode": 0, "delivery_list": listed, "count": len(listed)}


ROUTES: dict[tuple[str, str], Call] = {
    ("GET", "/sns/jscode2session"): code_to_session,
    ("POST", "/cgi-bin/stable_token"): stable_token,
    ("POST", "/wxa/business/getuserphonenumber"): phone_number,
    ("POST", "/cgi-bin/message/subscribe/send"): send_message,
    ("POST", "/wxa/getwxacodeunlimit"): share_code,
    ("POST", "/wxa/sec/order/upload_shipping_info"): upload_shipping,
    ("POST", "/wxa/sec/order/is_trade_managed"): is_trade_managed,
    ("POST", "/wxa/sec/order/update_order_detail_path"): keep_order_path,
    ("POST", "/wxa/sec/order/set_msg_jump_path"): keep_message_path,
    ("POST", "/wxa/sec/order/opspecialorder"): announce_presale,
    ("POST", "/cgi-bin/express/delivery/open_msg/get_delivery_list"): carriers,
}
