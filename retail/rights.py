"""Every right and who has it: the one table.

The API's views name a right, services demand one, the admin asks for one; the staff groups get their permissions from here after every
``migrate``, and ``docs/roles.md`` is printed from here (``manage.py roles``). What is one's own (tenant, shops, orders) is every queryset's
``visible_to``.
"""

from enum import Enum

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """The letters of the table in ``docs/api.md``; staff roles are also the names of the Django groups."""

    ANONYMOUS = "anonymous", _("访客")
    BUYER = "buyer", _("顾客")
    CLERK = "clerk", _("店员")
    MANAGER = "manager", _("店长")
    HEADQUARTERS = "headquarters", _("总部")
    PLATFORM = "platform", _("平台")
    DEVICE = "device", _("设备")


# From the strongest down: somebody in two groups acts as the stronger.
GROUP_NAMES = {Role.HEADQUARTERS: "总部", Role.MANAGER: "店长", Role.CLERK: "店员"}
# Of certain shops; headquarters is of all.
SHOP_ROLES = (Role.CLERK, Role.MANAGER)
STAFF_ROLES = (*SHOP_ROLES, Role.HEADQUARTERS)

ANYBODY = {Role.ANONYMOUS}
BUYER = {Role.BUYER}
DEVICE = {Role.DEVICE}
PLATFORM = {Role.PLATFORM}
HEADQUARTERS = PLATFORM | {Role.HEADQUARTERS}
MANAGERS = HEADQUARTERS | {Role.MANAGER}
STAFF = MANAGERS | {Role.CLERK}
EVERYONE = STAFF | BUYER | DEVICE | ANYBODY


class Right(Enum):
    """What one may do or see: its name in Chinese, the roles that have it, and the permission that a person needs besides.

    Over the API it takes ``CALL_API`` as well: the platform works in the back office alone.
    """

    label: Promise
    holders: frozenset[Role]
    permission: str

    def __new__(cls, label: Promise, holders: set[Role], permission: str = "") -> "Right":
        right = object.__new__(cls)
        # Not the line itself: telling two lines apart would translate their labels before translations are there.
        right._value_ = len(cls.__members__)
        right.label, right.holders, right.permission = label, frozenset(holders), permission
        return right

    CALL_API = _("调用接口"), EVERYONE - PLATFORM
    LOG_IN = _("登录"), EVERYONE
    LOG_OUT = _("退出登录"), BUYER | STAFF
    USE_BACK_OFFICE = _("使用后台"), STAFF
    SEE_GROUP_BUYS = _("查看团购"), EVERYONE
    VISIT_GROUP_BUYS = _("记为团购访客"), BUYER | ANYBODY
    SHARE_GROUP_BUYS = _("分享团购"), BUYER | STAFF
    MANAGE_GROUP_BUYS = _("上下架、提前截单、取消团购"), MANAGERS
    SEE_ORDERS = _("查看订单"), BUYER | STAFF
    PLACE_ORDERS = _("下单"), BUYER | STAFF
    PAY_ORDERS = _("支付订单"), BUYER
    CHECK_ORDER_PAYMENT = _("查询订单支付结果"), BUYER | STAFF
    CLOSE_ORDERS = _("取消待付款的订单"), BUYER | MANAGERS
    HIDE_ORDERS = _("删除自己的订单"), BUYER
    RECEIVE_ORDERS = _("确认取货或签收"), BUYER
    CONSENT_TO_MESSAGES = _("同意接收消息"), BUYER
    HAND_OVER = _("备货、发货、通知取货、核销取货码"), STAFF
    LIFT_PAUSES = _("解除取货码输错的暂停"), MANAGERS
    COMPLETE_OVERDUE = _("完成逾期未取的订单"), MANAGERS
    RESCHEDULE = _("改订单的取货时间"), MANAGERS
    LOOK_UP_PICK_UP_CODES = _("按取货码查找订单"), HEADQUARTERS
    SEE_BUYERS_AFTERWARDS = _("交货后仍可见顾客电话、地址和备注"), MANAGERS | BUYER
    SEE_OPEN_IDS = _("查看顾客的 openId（掩码）"), MANAGERS
    SEE_PAYMENTS = _("查看支付和退款"), MANAGERS
    RECHECK_PAYMENTS = _("向支付渠道查询支付"), MANAGERS
    REFUND = _("退款、缺货退款、处理异常款项"), HEADQUARTERS
    SEE_BILLS = _("查看账单和商户号"), HEADQUARTERS
    RESOLVE_BILLS = _("处理账单差异"), HEADQUARTERS
    TRY_MERCHANT_KEYS = _("验证商户号密钥"), HEADQUARTERS
    CONFIRM_MERCHANTS = _("确认商户号"), PLATFORM
    KEEP_APP_SECRET = _("登记和验证小程序密钥"), HEADQUARTERS
    SEND_AGAIN = _("重新发送通知"), MANAGERS
    SEE_SHOPS = _("查看门店"), STAFF | DEVICE
    SEE_ALL_SHOPS = _("查看本商家全部门店"), MANAGERS
    OPEN_SHOPS = _("新增门店"), HEADQUARTERS
    CHANGE_SHOPS = _("修改门店"), MANAGERS
    CLOSE_SHOPS = _("门店停业"), HEADQUARTERS
    SEE_APP_SECRETS = _("查看和更换门店 AppSecret，授予此权限"), HEADQUARTERS, "shops.see_secret"
    SEE_DEVICE_KEYS = _("查看 appKey、设备地址和调价人"), MANAGERS
    CHECK_IN = _("收银机激活和心跳"), STAFF | DEVICE | ANYBODY
    SEE_LICENCES = _("查看授权有效期"), STAFF | DEVICE
    PROLONG_LICENCES = _("新增和延长授权"), PLATFORM
    SEE_SETTINGS = _("查看配置"), STAFF | DEVICE
    SET_FOR_ALL_SHOPS = _("设置对全部门店生效的配置"), HEADQUARTERS
    SET_PLATFORMS_OWN = _("设置由平台决定的配置"), PLATFORM
    SEE_PRICES = _("查看门店商品和价格"), BUYER | STAFF | DEVICE
    SEE_STOCK = _("查看库存"), STAFF | DEVICE
    SEE_COSTS = _("查看成本和营业额"), MANAGERS
    CHANGE_PRICES = _("上架、调价、下架、撤销调价"), MANAGERS
    CLEAR_SHOPS = _("清空门店商品"), MANAGERS, "pricing.delete_shopproduct"
    RESET_DOWNLOADS = _("重置设备下载"), MANAGERS | DEVICE
    DOWNLOAD_PRICES = _("下载价格"), DEVICE
    MANAGE_STAFF = _("管理员工账号"), HEADQUARTERS
    CHOOSE_TENANT = _("跨商家工作"), PLATFORM
    SEE_MANAGERS_FIELDS = _("后台：店长以上可见的字段"), MANAGERS
    SEE_HEADQUARTERS_FIELDS = _("后台：总部可见的字段"), HEADQUARTERS


# Which rows the back office lets staff see and write, and how: the permissions of the groups.
READ = ("view",)
EDIT = ("view", "add", "change")
WHOLE = ("view", "add", "change", "delete")

CLERKS_ROWS = {
    "retail.product": READ,
    "retail.productclass": READ,
    "shops.shop": READ,
    "shops.shopholiday": READ,
    "shops.device": READ,
    "pricing.shopproduct": READ,
    "pricing.stockfigure": READ,
    "groupbuy.groupbuying": READ,
    "groupbuy.order": EDIT,
    "groupbuy.orderevent": READ,
}
MANAGERS_ROWS = CLERKS_ROWS | {
    "retail.outboxentry": READ,
    "shops.shop": ("view", "change"),
    "shops.shopholiday": WHOLE,
    "shops.stall": EDIT,
    "shops.device": EDIT,
    "shops.licence": READ,
    "shops.configvalue": WHOLE,
    "pricing.shopproduct": EDIT,
    "pricing.stockfigure": EDIT,
    "pricing.pricechange": READ,
    "pricing.pricelog": READ,
    "pricing.marketprice": READ,
    "groupbuy.groupbuying": EDIT,
    "groupbuy.groupbuyingimage": WHOLE,
    "groupbuy.payment": READ,
    "groupbuy.refund": READ,
    "groupbuy.share": READ,
    "groupbuy.visitor": READ,
}
HEADQUARTERS_ROWS = MANAGERS_ROWS | {
    "retail.user": EDIT,
    "retail.appsecret": EDIT,
    "retail.product": EDIT,
    "retail.productclass": EDIT,
    "retail.productimage": WHOLE,
    "shops.shop": EDIT,
    # The machine that a key is bound to; until when, the platform alone says (``shops.licences``).
    "shops.licence": ("view", "change"),
    "groupbuy.paymentevent": READ,
    "groupbuy.bill": READ,
    "groupbuy.billdifference": READ,
    "groupbuy.merchantaccount": EDIT,
    "admin.logentry": READ,
}
ROWS = {Role.CLERK: CLERKS_ROWS, Role.MANAGER: MANAGERS_ROWS, Role.HEADQUARTERS: HEADQUARTERS_ROWS}


def permissions_of(role: Role) -> set[str]:
    """``app.action_model`` of all that staff of ``role`` may do with rows in the back office."""
    return {f"{label.split('.')[0]}.{action}_{label.split('.')[1]}" for label, actions in ROWS[role].items() for action in actions}
