"""The sidebar of the admin: what a person may open, grouped as a day goes."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from retail.backoffice.scope import caller
from retail.rights import Right

LIST = "_changelist"


class Page(NamedTuple):
    """``view``: a name under ``admin:``; ``query`` narrows a list; ``right`` opens what is no list (a list's admin opens that)."""

    title: Any
    icon: str
    view: str
    query: str = ""
    right: Right = Right.USE_BACK_OFFICE


MENU: Sequence[tuple[Any, Sequence[Page]]] = (
    (
        _("今日"),
        (
            Page(_("取货核销"), "qr_code_scanner", "groupbuy_verify", right=Right.HAND_OVER),
            Page(_("没通知到"), "phone_missed", "groupbuy_unreached", right=Right.HAND_OVER),
            Page(_("工作台"), "dashboard", "index"),
        ),
    ),
    (
        _("订单"),
        (
            Page(_("团购订单"), "receipt_long", "groupbuy_order_changelist"),
            Page(_("支付"), "payments", "groupbuy_payment_changelist"),
            Page(_("退款"), "currency_exchange", "groupbuy_refund_changelist"),
            Page(_("账单"), "receipt", "groupbuy_bill_changelist"),
            Page(_("账单差异"), "difference", "groupbuy_billdifference_changelist", "resolved_at__isnull=True"),
            Page(_("通知与上报"), "outbox", "retail_outboxentry_changelist"),
        ),
    ),
    (
        _("团购"),
        (
            Page(_("团购"), "campaign", "groupbuy_groupbuying_changelist"),
            Page(_("分享"), "share", "groupbuy_share_changelist"),
            Page(_("访客"), "footprint", "groupbuy_visitor_changelist"),
        ),
    ),
    (
        _("商品与价格"),
        (
            Page(_("门店商品"), "sell", "pricing_shopproduct_changelist", "removed_at__isnull=True"),
            Page(_("调价批次"), "history", "pricing_pricechange_changelist"),
            Page(_("调价记录"), "price_change", "pricing_pricelog_changelist"),
            Page(_("库存"), "inventory_2", "pricing_stockfigure_changelist"),
            Page(_("商品库"), "nutrition", "retail_product_changelist"),
            Page(_("商品分类"), "category", "retail_productclass_changelist"),
            Page(_("行情价"), "monitoring", "pricing_marketprice_changelist"),
        ),
    ),
    (
        _("门店与设备"),
        (
            Page(_("门店"), "storefront", "shops_shop_changelist", "removed_at__isnull=True"),
            Page(_("摊位"), "deck", "shops_stall_changelist"),
            Page(_("设备"), "point_of_sale", "shops_device_changelist"),
            Page(_("授权"), "verified_user", "shops_licence_changelist"),
            Page(_("配置"), "tune", "shops_configvalue_changelist"),
        ),
    ),
    (
        _("系统"),
        (
            Page(_("员工账号"), "badge", "retail_user_changelist", "is_staff__exact=1"),
            Page(_("顾客"), "group", "retail_user_changelist", "is_staff__exact=0"),
            Page(_("操作记录"), "manage_search", "admin_logentry_changelist"),
            Page(_("商户号"), "account_balance", "groupbuy_merchantaccount_changelist"),
            Page(_("小程序密钥"), "key", "retail_appsecret_changelist"),
            Page(_("商家"), "apartment", "retail_tenant_changelist"),
            Page(_("微信身份"), "forum", "retail_wechatidentity_changelist"),
            Page(_("支付事件"), "receipt", "groupbuy_paymentevent_changelist"),
            Page(_("设备类型"), "devices_other", "shops_devicetype_changelist"),
            Page(_("配置项"), "settings", "shops_configitem_changelist"),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The theme's description of the sidebar."""
    here = request.path
    return [
        {"title": title, "separator": number > 0, "items": [item(page, here, request) for page in pages]}
        for number, (title, pages) in enumerate(MENU)
    ]


def item(page: Page, here: str, request: HttpRequest) -> dict[str, Any]:
    address = reverse(f"admin:{page.view}")
    on_list = here == address or (here.startswith(address) and page.view != "index")
    # Two entries of one list differ by the filter that they begin with.
    shared = sum(other.view == page.view for _title, pages in MENU for other in pages) > 1
    right_rows = not shared or all(request.GET.get(name) == value for name, value in QueryDict(page.query).items())
    return {
        "title": page.title,
        "icon": page.icon,
        "link": f"{address}?{page.query}" if page.query else address,
        "active": on_list and right_rows,
        "permission": partial(is_open, page),
    }


def is_open(page: Page, request: HttpRequest) -> bool:
    if not page.view.endswith(LIST):
        return caller(request).may(page.right)
    app, model = page.view.removesuffix(LIST).split("_")
    return admin.site.get_model_admin(apps.get_model(app, model)).has_view_or_change_permission(request)
