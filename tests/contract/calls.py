"""How each endpoint is called: its arguments, aimed at the rows of a bundle, by a caller whose own rows are ``home``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse

from groupbuy.models import OrderStatus
from tests.contract.specification import METHODS
from tests.contract.world import Bundle, World

GROUP = "/api/marketing/groupbuy/"
SHOP = "/api/shop/"
PRODUCT = "/api/shop/shopproduct/"
STAFF = ("C", "M", "H", "S")


@dataclass(frozen=True)
class Aim:
    """``who`` calls, ``at`` what, from ``home``."""

    who: str
    at: Bundle
    home: Bundle

    @property
    def is_staff(self) -> bool:
        return self.who[0] in STAFF


def order_of(status: OrderStatus, name: str = "id") -> Callable[[Aim], Any]:
    return lambda aim: {name: aim.at.order(status)}


def page_of_shop(aim: Aim) -> dict[str, Any]:
    return {"keyword": "", "pageIndex": 1, "pageSize": 20, "productClassId": 0, "shopId": aim.at.shop}


def class_of_shop(aim: Aim) -> dict[str, Any]:
    return {"productClassId": "", "shopId": aim.at.shop}


def new_order(aim: Aim) -> dict[str, Any]:
    return {
        "groupBuyingId": aim.at.group_buying,
        "userId": aim.home.buyer if aim.is_staff else 0,
        "deliverType": 1,
        "address": "",
        "phone": "13800138000",
        "remark": "下班来取",
        "qty": 2,
        "money": 19.8,
        "id": 0,
    }


def new_shop(aim: Aim) -> dict[str, Any]:
    return {
        "name": "漕河泾店",
        "code": "S100",
        "address": "上海市徐汇区漕宝路 66 号",
        "lbsPoint": "121.4013,31.1672",
        "shopArea": 120.5,
        "imagePath": "",
        "devices": [
            {"code": "SCALE-1", "deviceTypeId": aim.home.device_type, "ip": "10.0.0.11", "mac": "A4:11:22:33:44:99", "inUse": True}
        ],
        "shopProducts": [{"productId": aim.home.product, "price": 9.9, "memberPrice": 9.5, "sort": 1}],
        "shopProductPriceLogs": [],
        "tenantId": 0,
        "id": 0,
    }


def new_price(aim: Aim) -> dict[str, Any]:
    return {"id": aim.at.shop_product, "price": 10.9, "memberPrice": 10.5, "sort": 5}


CALLS: dict[str, Callable[[Aim], Any]] = {
    GROUP + "get": lambda aim: {"id": aim.at.group_buying},
    GROUP + "getorder": order_of(OrderStatus.PAID),
    GROUP + "getorderlist": lambda aim: {"keyword": "", "pageIndex": 1, "pageSize": 20, "status": -1, "userId": 0},
    GROUP + "getdelivertypelist": lambda aim: {},
    GROUP + "getorderstatuslist": lambda aim: {},
    GROUP + "getgroupbuyingvisitor": lambda aim: {"groupBuyingId": aim.at.group_buying, "userId": 0},
    GROUP + "sharegroupbuying": lambda aim: {"groupBuyingId": aim.at.group_buying, "userId": 0},
    GROUP + "visitgroupbuying": lambda aim: {"mainId": aim.at.share, "userId": 0, "id": 0},
    GROUP + "createorder": new_order,
    GROUP + "deleteorder": order_of(OrderStatus.CLOSED),
    GROUP + "closeorder": order_of(OrderStatus.UNPAID),
    GROUP + "orderreceive": order_of(OrderStatus.SHIPPED),
    GROUP + "orderpay": lambda aim: {"orderId": aim.at.order(OrderStatus.UNPAID), "timeStamp": "2026-01-15 10:11:10"},
    GROUP + "orderrepay": lambda aim: {"orderId": aim.at.order(OrderStatus.UNPAID), "timeStamp": "2026-01-15 10:11:10"},
    GROUP + "checkorderpay": order_of(OrderStatus.PAID),
    SHOP + "getlist": lambda aim: {"keyword": "", "pageIndex": 1, "pageSize": 20},
    SHOP + "getalllist": lambda aim: {"keyword": "", "pageIndex": 1, "pageSize": 20},
    SHOP + "get": lambda aim: {"id": aim.at.shop},
    SHOP + "create": new_shop,
    SHOP + "update": lambda aim: {"id": aim.at.shop, "name": "田林路店", "address": "上海市徐汇区田林路 400 号"},
    SHOP + "delete": lambda aim: {"id": aim.at.spare_shop},
    SHOP + "getshopinfo": lambda aim: {"key": aim.at.machine_key, "shopid": aim.at.shop},
    SHOP + "getshopauth": lambda aim: {"shopid": aim.at.shop},
    SHOP + "getconfig": lambda aim: {"code": "receipt_footer", "shopid": aim.at.shop},
    PRODUCT + "get": lambda aim: {"id": aim.at.shop_product},
    PRODUCT + "getbyproductid": lambda aim: {"productId": aim.at.product, "shopId": aim.at.shop},
    PRODUCT + "getlist": page_of_shop,
    PRODUCT + "getlistbyclass": class_of_shop,
    PRODUCT + "getstockproductlist": page_of_shop,
    PRODUCT + "getstockproductlistbyclass": class_of_shop,
    PRODUCT + "getlistbyproductids": lambda aim: {"productIds": f"{aim.at.product},{aim.at.new_product}", "shopId": aim.at.shop},
    PRODUCT + "getshoplist": lambda aim: {"productId": str(aim.at.product)},
    PRODUCT + "addproduct": lambda aim: {"shopIds": [aim.at.shop], "productClassId": 0, "productIds": [aim.home.new_product], "id": 0},
    PRODUCT + "addproductbyclass": lambda aim: {"shopIds": [aim.at.shop], "productClassId": aim.home.product_class, "productIds": []},
    PRODUCT + "changeprice": new_price,
    PRODUCT + "changeprices": lambda aim: [new_price(aim)],
    PRODUCT + "unifychangeprice": lambda aim: {"shopIds": [aim.at.shop], "productId": aim.home.product, "price": 10.9, "memberPrice": 10.5},
    PRODUCT + "delete": lambda aim: [aim.at.shop_product],
    PRODUCT + "deleteall": lambda aim: {"shopId": aim.at.shop},
    PRODUCT + "resetdownload": lambda aim: {"shopId": aim.at.shop, "deviceId": aim.at.device},
    PRODUCT + "getdownload": lambda aim: {"deviceId": aim.at.device},
    PRODUCT + "ackdownload": lambda aim: {"deviceId": aim.at.device, "timeStamp": 12},
    GROUP + "savesubscribe": lambda aim: {"templateId": aim.at.template, "accepted": True},
}


def send(world: World, path: str, who: str, arguments: Any) -> HttpResponse:
    client = world.clients[who]
    if METHODS[path] == "GET":
        return client.get(path, **arguments)
    return client.post(path, arguments)


def call(world: World, path: str, who: str, at: Bundle | None = None) -> HttpResponse:
    """The endpoint's call by ``who``, aimed at ``at``, else at what is the caller's own."""
    home = world.home(who)
    return send(world, path, who, CALLS[path](Aim(who, at or home, home)))
