"""Settings of shops: the built-in list, and the value that holds in a shop (its own, else the tenant's, else the default)."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.apps import apps as installed
from django.apps.registry import Apps
from django.db.models import CharField, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from retail.database import tables
from retail.principals import Principal
from retail.refusals import Invalid, NotThere, found
from retail.rights import Right
from shops.models import ConfigItem, ConfigValue, Shop, ValueType


class BadValue(Invalid):
    message = _("配置值与其类型不符")


class OutOfRange(BadValue):
    """Of the type of its item, and more, less or longer than anybody can mean."""


@dataclass(frozen=True)
class Range:
    """What values of an item mean something: numbers from ``least`` to ``most``, texts of ``longest`` characters that fit ``pattern``.

    ``words``: what a pattern asks for.
    """

    least: int = -(2**31)
    most: int = 2**31 - 1
    longest: int = 500
    pattern: str = r"[^\x00-\x1f\x7f]*"
    words: Any = _("不含换行等控制字符")


# Of what the platform adds in the admin; its JSON is for its own devices.
ANY, JSON_RANGE = Range(), Range(longest=10_000)


@dataclass(frozen=True)
class BuiltIn:
    """A row of ``ConfigItem`` with its ``range``. ``options`` of a select are separated by commas; a bool is ``true`` or ``false``."""

    code: str
    name: str
    value_type: ValueType
    default: str
    group: str
    description: str = ""
    options: str = ""
    unit: str = ""
    module_id: int = 0
    range: Range = ANY


Described = ConfigItem | BuiltIn
STRING, INT, BOOL, SELECT = ValueType.STRING, ValueType.INT, ValueType.BOOL, ValueType.SELECT
LICENCE, TRADE, RECEIPT, SCALE, MESSAGES = "授权", "团购", "小票", "条码秤", "微信消息"
TEMPLATE = (
    "留空则不发送。格式：模板ID 字段=内容 …，如 AbC_12-x thing1=商品 amount2=金额；"
    "内容可为 商品、数量、金额、门店、地址、订单号、时间、取货时间、说明。"
)
WINDOW_WORDS = "新团购的取货时间：截单后第几个营业日几点开始、第几个营业日几点截止，休息日和假期顺延。"
LINE = Range(longest=100)
UNITS = Range(1, 100_000)
TWO_DIGITS = Range(longest=2, pattern="[0-9]{2}", words=_("两位数字"))
# The longest that WeChat takes, and of what a path in a mini-program is made.
PAGE = Range(longest=1024, pattern="(?:[0-9A-Za-z_-][0-9A-Za-z_/.-]*)?", words=_("小程序页面路径，开头不加 /，不带参数"))
PAGE_OF_ORDER = Range(
    longest=1000,
    pattern=r"(?:[0-9A-Za-z_/.~-][0-9A-Za-z_/.~?=&%-]*(?:\{id\}[0-9A-Za-z_/.~?=&%-]*)*)?",
    words=_("小程序页面路径，花括号只用于 {id}"),
)
WINDOW = Range(
    longest=40,
    pattern="(?:(?:[0-9]|[12][0-9]|30) (?:[01][0-9]|2[0-3]):[0-5][0-9](?: |$)){2}",
    words=_("截单后第几个营业日几点开始取货、第几个营业日几点截止，如 1 16:00 2 20:00"),
)
ITEMS = (
    BuiltIn(
        "licence_grace_days",
        "授权宽限天数",
        INT,
        "7",
        LICENCE,
        "合同到期后设备仍可使用的天数。",
        unit="天",
        module_id=1,
        range=Range(0, 365),
    ),
    BuiltIn("phone_required", "下单必填电话", BOOL, "true", TRADE, "自提订单必须留有电话。", module_id=2),
    BuiltIn(
        "buyer_receives_pick_up", "顾客可确认取货", BOOL, "false", TRADE, "到货后顾客也可自己确认取货；取货码到核销才失效。", module_id=2
    ),
    BuiltIn(
        "auto_complete_days",
        "自动完成天数",
        INT,
        "10",
        TRADE,
        "快递发货后顾客未确认签收，到期自动完成；自提订单不会自动完成。",
        unit="天",
        module_id=2,
        range=Range(1, 90),
    ),
    BuiltIn(
        "units_per_order",
        "每单限购",
        INT,
        "20",
        TRADE,
        "一个订单最多多少份；团购自己填了每单限购的按团购。",
        unit="份",
        module_id=2,
        range=UNITS,
    ),
    BuiltIn(
        "unpaid_units",
        "每人待付上限",
        INT,
        "40",
        TRADE,
        "一位顾客全部待付款的订单最多占用多少份。",
        unit="份",
        module_id=2,
        range=UNITS,
    ),
    BuiltIn(
        "unpaid_units_of_address",
        "同一网络待付上限",
        INT,
        "100",
        TRADE,
        "没有微信身份的访客，从同一网络地址下的未付订单最多占用多少份。",
        unit="份",
        module_id=2,
        range=UNITS,
    ),
    BuiltIn(
        "served_regions",
        "快递配送地区",
        STRING,
        "",
        TRADE,
        "快递订单的地址须以其中之一开头，用逗号分隔，如 上海市,江苏省苏州市；留空则不限。",
        module_id=2,
    ),
    BuiltIn("pick_up_ambient", "常温取货时间", STRING, "1 16:00 2 20:00", TRADE, WINDOW_WORDS, module_id=2, range=WINDOW),
    BuiltIn("pick_up_chilled", "冷藏取货时间", STRING, "1 16:00 1 21:00", TRADE, WINDOW_WORDS, module_id=2, range=WINDOW),
    BuiltIn("pick_up_frozen", "冷冻取货时间", STRING, "1 16:00 1 20:00", TRADE, WINDOW_WORDS, module_id=2, range=WINDOW),
    BuiltIn(
        "ships_after_days",
        "快递发货日",
        INT,
        "1",
        TRADE,
        "新团购的发货日期：截单后第几个营业日。",
        unit="天",
        module_id=2,
        range=Range(1, 30),
    ),
    BuiltIn("message_paid", "支付成功消息模板", STRING, "", MESSAGES, TEMPLATE, module_id=2),
    BuiltIn("message_arrived", "到店取货消息模板", STRING, "", MESSAGES, TEMPLATE, module_id=2),
    BuiltIn("message_succeeded", "成团消息模板", STRING, "", MESSAGES, TEMPLATE, module_id=2),
    BuiltIn("message_failed", "未成团消息模板", STRING, "", MESSAGES, TEMPLATE, module_id=2),
    BuiltIn("message_reminded", "取货提醒消息模板", STRING, "", MESSAGES, TEMPLATE, module_id=2),
    BuiltIn("message_refunded", "退款到账消息模板", STRING, "", MESSAGES, TEMPLATE, module_id=2),
    BuiltIn("message_rescheduled", "改期消息模板", STRING, "", MESSAGES, TEMPLATE, module_id=2),
    BuiltIn(
        "message_page",
        "消息打开的页面",
        STRING,
        "",
        MESSAGES,
        "小程序页面路径，{id} 换成订单 Id；留空则点击消息不打开小程序。",
        module_id=2,
        range=PAGE_OF_ORDER,
    ),
    BuiltIn(
        "share_page",
        "分享打开的页面",
        STRING,
        "",
        MESSAGES,
        "小程序团购页面路径，如 pages/groupbuy；分享时出示小程序码，scene 为 g=团购Id&s=分享Id。留空则出示网页二维码。",
        module_id=2,
        range=PAGE,
    ),
    BuiltIn("receipt_header", "小票抬头", STRING, "", RECEIPT, "留空则打印门店名称。", module_id=3, range=LINE),
    BuiltIn("receipt_footer", "小票结尾", STRING, "谢谢惠顾", RECEIPT, module_id=3, range=LINE),
    BuiltIn("receipt_copies", "打印份数", INT, "1", RECEIPT, unit="份", module_id=3, range=Range(0, 9)),
    BuiltIn("receipt_shows_member_price", "打印会员价", BOOL, "true", RECEIPT, module_id=3),
    BuiltIn("rounding", "抹零方式", SELECT, "none", RECEIPT, "none 不抹零，jiao 抹分，yuan 抹角分。", "none,jiao,yuan", module_id=3),
    BuiltIn("label_format", "标签尺寸", SELECT, "40x30", SCALE, "宽×高。", "40x30,60x40,60x80", "毫米", 4),
    BuiltIn("label_shows_pack_date", "打印包装日期", BOOL, "true", SCALE, module_id=4),
    BuiltIn("barcode_prefix", "条码前缀", STRING, "21", SCALE, "店内码的前两位。", module_id=4, range=TWO_DIGITS),
    BuiltIn(
        "barcode_carries", "条码内容", SELECT, "money", SCALE, "money 金额，weight 重量，both 两者。", "money,weight,both", module_id=4
    ),
    BuiltIn("scale_unit", "称重单位", SELECT, "斤", SCALE, "", "斤,公斤", module_id=4),
    BuiltIn(
        "download_interval_seconds",
        "下载间隔",
        INT,
        "60",
        SCALE,
        "秤每隔多久查询一次新价格。",
        unit="秒",
        module_id=4,
        range=Range(5, 86_400),
    ),
)


BUILT_IN: Mapping[str, BuiltIn] = {item.code: item for item in ITEMS}
# What prolongs a licence: the platform sells it, and sets it.
PLATFORMS_OWN = frozenset({"licence_grace_days"})


def may_set(item: ConfigItem, principal: Principal) -> bool:
    """Whether a person who may set values may set this one."""
    return principal.may(Right.SET_PLATFORMS_OWN) or item.code not in PLATFORMS_OWN


def ensure_items(apps: Apps = installed, **_: Any) -> None:
    """Bring the list in the database in line with ``ITEMS``, after every ``migrate``; values of tenants and shops stay."""
    if not tables.are_there(apps, ConfigItem):
        return
    rows = [ConfigItem(**{name: value for name, value in asdict(item).items() if name != "range"}) for item in ITEMS]
    fields = [field for field in asdict(ITEMS[0]) if field not in ("code", "range")]
    ConfigItem.objects.bulk_create(rows, update_conflicts=True, unique_fields=["code"], update_fields=fields)


def resolved(*, tenant_id: int | None, shop_id: int | None) -> QuerySet[ConfigItem]:
    """The items, each with the ``value`` that holds in the shop, or without a shop in the tenant."""
    values = ConfigValue.objects.filter(item=OuterRef("pk"), tenant=tenant_id)
    own, tenants = values.filter(shop=shop_id, shop__isnull=False), values.filter(shop=None)
    return ConfigItem.objects.annotate(
        value=Coalesce(Subquery(own.values("value")), Subquery(tenants.values("value")), F("default"), output_field=CharField())
    )


def item_for(*, code: str, shop_id: int | None, principal: Principal) -> ConfigItem:
    """The item with the ``value`` that holds in the caller's shop, or without one in the tenant. Raises NotThere."""
    if shop_id and not Shop.objects.visible_to(principal).open().filter(pk=shop_id).exists():
        raise NotThere
    item = found(resolved(tenant_id=principal.tenant_id, shop_id=shop_id), code=code)
    item.value = readable(item, item.value)  # type: ignore[attr-defined]
    return item


def value_of(*, code: str, tenant_id: int, shop_id: int | None) -> Any:
    """The value as Python: str, int, Decimal, bool, or what the JSON says. What doesn't mean anything counts as the default."""
    return values_of([code], tenant_id=tenant_id, shop_id=shop_id)[code]


def values_of(codes: Iterable[str], *, tenant_id: int, shop_id: int | None) -> dict[str, Any]:
    """Several values at once, each as ``value_of`` gives it."""
    items = resolved(tenant_id=tenant_id, shop_id=shop_id).filter(code__in=codes)
    return {item.code: read_value(item, readable(item, item.value)) for item in items}  # type: ignore[attr-defined]


def defaults_of(codes: Iterable[str]) -> dict[str, Any]:
    """What holds of built-in items where nobody has set a value: see ``set_by``."""
    return {code: read_value(BUILT_IN[code], BUILT_IN[code].default) for code in codes}


def set_by(tenant: Any, codes: Iterable[str]) -> Subquery:
    """Something, if the tenant or one of its shops has set one of ``codes``; for a queryset whose rows are then spared the question."""
    return Subquery(ConfigValue.objects.filter(tenant=tenant, item__code__in=codes).values("pk")[:1])


def readable(item: Described, text: str) -> str:
    """``text``, as it is stored, or the default when it can't be read or is out of its item's range."""
    try:
        read_value(item, text)
    except BadValue:
        return definition(item).default
    return text


def definition(item: Described) -> Described:
    """What decides about values: of the built-in items this list, whatever somebody has made of their rows."""
    return BUILT_IN.get(item.code, item)


def range_of(item: Described) -> Range:
    known = BUILT_IN.get(item.code)
    return known.range if known else JSON_RANGE if item.value_type == ValueType.JSON else ANY


def range_in_words(item: Described) -> str:
    """For staff: ``1–90 天``, ``两位数字``, ``最多 100 字``; what a select offers."""
    range_, item_ = range_of(item), definition(item)
    if item_.value_type in (ValueType.INT, ValueType.DECIMAL):
        return f"{range_.least}–{range_.most} {item_.unit}".strip()
    if item_.value_type in (ValueType.STRING, ValueType.JSON):
        words = [range_.words] if range_.pattern != ANY.pattern else []
        return "，".join(map(str, [*words, gettext("最多 %(longest)d 字") % {"longest": range_.longest}]))
    return item_.options or "true、false"


def read_value(item: Described, text: str) -> Any:
    """``text`` as the item's type. Raises BadValue, OutOfRange."""
    range_, item_ = range_of(item), definition(item)
    if len(text) > range_.longest:
        raise OutOfRange(gettext("须为 %(range)s") % {"range": range_in_words(item)})
    try:
        value = READERS[item_.value_type](text, item_)
    except (ValueError, KeyError, InvalidOperation, RecursionError) as error:
        raise BadValue from error
    if item_.value_type != ValueType.JSON and not fits(value, range_):
        raise OutOfRange(gettext("须为 %(range)s") % {"range": range_in_words(item)})
    return value


def fits(value: Any, range_: Range) -> bool:
    if isinstance(value, str):
        return re.fullmatch(range_.pattern, value) is not None
    return isinstance(value, bool) or not isinstance(value, int | Decimal) or range_.least <= value <= range_.most


def read_int(text: str, item: Described) -> int:
    # No more than Python takes at once; ``1_0`` and full-width digits would read otherwise in a device.
    if not re.fullmatch(r"-?[0-9]{1,18}", text.strip()):
        raise ValueError(text)
    return int(text)


def read_option(text: str, item: Described) -> str:
    if text not in item.options.split(","):
        raise ValueError(text)
    return text


def read_decimal(text: str, item: Described) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(text)
    return number


BOOLEANS = {"true": True, "1": True, "false": False, "0": False, "": False}
READERS: Mapping[str, Callable[[str, Described], Any]] = {
    ValueType.STRING: lambda text, item: text,
    ValueType.INT: read_int,
    ValueType.DECIMAL: read_decimal,
    ValueType.BOOL: lambda text, item: BOOLEANS[text.strip().lower()],
    ValueType.SELECT: read_option,
    ValueType.JSON: lambda text, item: json.loads(text),
}
