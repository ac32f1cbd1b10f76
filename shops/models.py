"""Shops and what stands in them: staff, stalls, devices, licences and their configuration."""

import secrets
from datetime import date, datetime, timedelta
from typing import Self

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from retail import dates
from retail.database.encrypted_field import EncryptedTextField
from retail.models import Tenant, is_code
from retail.principals import Principal


def new_app_key() -> str:
    return f"ak_{secrets.token_hex(8)}"


def new_app_secret() -> str:
    return f"sk_{secrets.token_hex(24)}"


# How long before it a holiday is announced.
NOTICE = timedelta(days=14)


class ShopQuerySet(models.QuerySet["Shop"]):
    def visible_to(self, principal: Principal) -> Self:
        return self.filter(principal.scope(shop="pk"))

    def open(self) -> Self:
        return self.filter(removed_at=None)

    def matching(self, keyword: str) -> Self:
        if not keyword:
            return self
        return self.filter(Q(name__icontains=keyword) | Q(code__icontains=keyword) | Q(address__icontains=keyword))


class Shop(models.Model):
    """A shop of a tenant. ``price_version`` is the counter that its devices download by: every changed price takes the next number."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="shops", verbose_name=_("商家"))
    code = models.CharField(_("编码"), max_length=32, validators=[is_code])
    name = models.CharField(_("名称"), max_length=100)
    address = models.CharField(_("地址"), max_length=200, blank=True)
    lbs_point = models.CharField(_("坐标"), max_length=64, blank=True, help_text=_("经度,纬度"))
    opens_at = models.TimeField(_("开门时间"), null=True, blank=True)
    closes_at = models.TimeField(_("关门时间"), null=True, blank=True)
    # Digits, Monday is 1; a shop that rests on all seven days is none.
    rest_days = models.CharField(_("每周休息"), max_length=6, blank=True, default="", db_default="")
    area = models.DecimalField(_("面积"), max_digits=10, decimal_places=2, default=0, validators=[MinValueValidator(0)])
    phone = models.CharField(_("电话"), max_length=20, blank=True)
    image = models.ImageField(_("照片"), upload_to="shops/", blank=True)
    markup = models.DecimalField(
        _("加价率"),
        max_digits=5,
        decimal_places=3,
        default=0,
        validators=[MinValueValidator(0)],
        help_text=_("0.300 即在行情均价上加 30%。"),
    )
    app_key = models.CharField(_("设备密钥"), max_length=64, unique=True, default=new_app_key, editable=False)
    app_secret = EncryptedTextField(_("AppSecret"), default=new_app_secret, editable=False)
    previous_secret = EncryptedTextField(_("旧 AppSecret"), blank=True, editable=False)
    previous_secret_until = models.DateTimeField(_("旧密钥有效至"), null=True, blank=True, editable=False)
    allows_basic_auth = models.BooleanField(
        _("允许 Basic 认证"), default=False, help_text=_("仅供不会签名的收银机；只限 HTTPS，只能调用设备接口。")
    )
    staff = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="shops", blank=True, verbose_name=_("员工"))
    price_version = models.BigIntegerField(_("价格更新序号"), default=0, editable=False)
    created_at = models.DateTimeField(_("创建时间"), default=timezone.now, editable=False)
    removed_at = models.DateTimeField(_("停业时间"), null=True, blank=True, editable=False)

    objects = ShopQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = _("门店")
        permissions = [("see_secret", _("可查看门店 AppSecret"))]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "code"], name="shop_code_unique"),
            models.CheckConstraint(condition=Q(area__gte=0, markup__gte=0), name="shop_not_negative"),
            models.CheckConstraint(condition=Q(closes_at__gt=F("opens_at")), name="shop_closes_after_opening"),
        ]

    def __str__(self) -> str:
        return self.name


class ShopHolidayQuerySet(models.QuerySet["ShopHoliday"]):
    def near(self, day: date) -> Self:
        """Of which customers should hear on ``day``: it is there, or begins within two weeks."""
        return self.filter(last_day__gte=day, first_day__lte=day + NOTICE).order_by("first_day")


class ShopHoliday(models.Model):
    """Days in a row, the first and the last included, on which a shop is closed."""

    shop = models.ForeignKey(Shop, models.CASCADE, related_name="holidays", verbose_name=_("门店"))
    first_day = dates.DayField(_("第一天"))
    last_day = dates.DayField(_("最后一天"))
    words = models.CharField(_("说明"), max_length=50, blank=True, help_text=_("顾客会看到，如：春节休息。"))

    objects = ShopHolidayQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = _("门店假期")
        constraints = [
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")),
                name="shop_holiday_ends_after_start",
                violation_error_message=_("最后一天不能早于第一天"),
            ),
            dates.days_are_ours("first_day", "last_day", name="shop_holiday_in_our_years"),
        ]

    def __str__(self) -> str:
        return f"{self.first_day} – {self.last_day} {self.words}".strip()


class Stall(models.Model):
    """A counter inside a shop."""

    shop = models.ForeignKey(Shop, models.PROTECT, related_name="stalls", verbose_name=_("门店"))
    code = models.CharField(_("编码"), max_length=32, validators=[is_code])
    name = models.CharField(_("名称"), max_length=64)
    in_use = models.BooleanField(_("启用"), default=True)

    class Meta:
        verbose_name = verbose_name_plural = _("摊位")
        constraints = [models.UniqueConstraint(fields=["shop", "code"], name="stall_code_unique")]

    def __str__(self) -> str:
        return self.name


class DeviceType(models.Model):
    """A kind of till or scale; the same list for every tenant."""

    code = models.CharField(_("编码"), max_length=32, unique=True, validators=[is_code])
    name = models.CharField(_("名称"), max_length=64)

    class Meta:
        verbose_name = verbose_name_plural = _("设备类型")

    def __str__(self) -> str:
        return self.name


class DeviceQuerySet(models.QuerySet["Device"]):
    def visible_to(self, principal: Principal) -> Self:
        return self.filter(principal.scope(tenant="shop__tenant"))

    def in_use(self) -> Self:
        return self.filter(in_use=True)


class Device(models.Model):
    """A till or a scale. ``time_stamp`` is the price version that it has acknowledged; 0 = it must load everything.

    ``offered_stamp``: the highest that it was given since it last had to; what it acknowledges beyond is from before.
    """

    shop = models.ForeignKey(Shop, models.PROTECT, related_name="devices", verbose_name=_("门店"))
    stall = models.ForeignKey(Stall, models.PROTECT, related_name="devices", null=True, blank=True, verbose_name=_("摊位"))
    device_type = models.ForeignKey(DeviceType, models.PROTECT, related_name="devices", verbose_name=_("设备类型"))
    code = models.CharField(_("编码"), max_length=32, validators=[is_code])
    ip = models.GenericIPAddressField(_("IP"), null=True, blank=True)
    mac = models.CharField(_("Mac"), max_length=32, blank=True)
    time_stamp = models.BigIntegerField(_("时间戳"), default=0, editable=False)
    offered_stamp = models.BigIntegerField(default=0, editable=False)
    in_use = models.BooleanField(_("启用"), default=True)

    objects = DeviceQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = _("设备")
        constraints = [
            models.UniqueConstraint(fields=["shop", "code"], name="device_code_unique"),
            models.CheckConstraint(condition=Q(time_stamp__gte=0), name="device_time_stamp_not_negative"),
        ]

    def __str__(self) -> str:
        return self.code


class DeviceNonce(models.Model):
    """A nonce that a signed request has used up; kept 600 s so that a recorded request can't be played again."""

    app_key = models.CharField(max_length=64)
    nonce = models.CharField(max_length=64)
    used_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = verbose_name_plural = _("设备随机串")
        constraints = [models.UniqueConstraint(fields=["app_key", "nonce"], name="device_nonce_unique")]

    def __str__(self) -> str:
        return self.nonce


# What the documents call "unlimited": the dates of a licence are never null on the wire.
UNLIMITED_ON = dates.LAST_DAY


class Licence(models.Model):
    """Until when a shop's devices may call, and which machine the key is bound to. No end = unlimited."""

    shop = models.OneToOneField(Shop, models.PROTECT, related_name="licence", verbose_name=_("门店"))
    validity_key = models.CharField(_("机器码"), max_length=128, blank=True)
    contract_ends_on = dates.DayField(_("合同到期日"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("授权")
        constraints = [dates.days_are_ours("contract_ends_on", name="licence_ends_in_our_years")]

    def __str__(self) -> str:
        return f"{self.shop} {self.contract_ends_on or UNLIMITED_ON}"


class ValueType(models.TextChoices):
    STRING = "string", _("文本")
    INT = "int", _("整数")
    DECIMAL = "decimal", _("小数")
    BOOL = "bool", _("是否")
    SELECT = "select", _("选项")
    JSON = "json", _("JSON")


class ConfigItem(models.Model):
    """One setting with its default; the same list for every tenant."""

    code = models.CharField(_("编码"), max_length=64, unique=True, validators=[is_code])
    name = models.CharField(_("名称"), max_length=64)
    description = models.CharField(_("描述"), max_length=500, blank=True)
    value_type = models.CharField(_("值类型"), max_length=16, choices=ValueType.choices, default=ValueType.STRING)
    default = models.TextField(_("默认值"), blank=True)
    options = models.TextField(_("选项"), blank=True)
    group = models.CharField(_("分组"), max_length=64, blank=True)
    unit = models.CharField(_("单位"), max_length=16, blank=True)
    module_id = models.IntegerField(_("模块Id"), default=0)

    class Meta:
        verbose_name = verbose_name_plural = _("配置项")
        constraints = [models.CheckConstraint(condition=Q(value_type__in=ValueType.values), name="config_value_type_known")]

    def __str__(self) -> str:
        return self.name


class ConfigValue(models.Model):
    """A tenant's or a shop's own value of a setting: shop before tenant before default."""

    item = models.ForeignKey(ConfigItem, models.CASCADE, related_name="values", verbose_name=_("配置项"))
    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="config_values", verbose_name=_("商家"))
    shop = models.ForeignKey(Shop, models.PROTECT, related_name="config_values", null=True, blank=True, verbose_name=_("门店"))
    value = models.TextField(_("值"), blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("配置值")
        constraints = [
            models.UniqueConstraint(fields=["item", "tenant"], condition=Q(shop=None), name="config_value_of_tenant"),
            models.UniqueConstraint(fields=["item", "shop"], condition=~Q(shop=None), name="config_value_of_shop"),
        ]

    def __str__(self) -> str:
        return f"{self.item}: {self.value}"


def day_end(day: date) -> datetime:
    """The last second of ``day`` in the installation's zone."""
    return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=timezone.get_default_timezone())
