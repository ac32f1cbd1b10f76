"""What a shop sells at which price, the append-only record of every change, and the market's prices behind it."""

from typing import Self

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from retail import dates
from retail.database.append_only import AppendOnlyModel, AppendOnlyQuerySet
from retail.models import Product, Tenant
from retail.money import ZERO, MoneyField, QuantityField
from retail.principals import Principal
from shops.models import Shop


class ShopProductQuerySet(models.QuerySet["ShopProduct"]):
    def visible_to(self, principal: Principal) -> Self:
        """Buyers see the prices of every shop of their tenant, staff and devices those of their shops."""
        if principal.is_buyer:
            return self.filter(principal.scope(tenant="shop__tenant", shop=""))
        return self.filter(principal.scope(tenant="shop__tenant"))

    def live(self) -> Self:
        return self.filter(removed_at=None)


class ShopProduct(models.Model):
    """A product on sale in a shop. ``version`` is the number of the shop's counter that its last change took."""

    shop = models.ForeignKey(Shop, models.PROTECT, related_name="shop_products", verbose_name=_("门店"))
    product = models.ForeignKey(Product, models.PROTECT, related_name="shop_products", verbose_name=_("商品"))
    price = MoneyField(_("价格"), validators=[MinValueValidator(0)])
    member_price = MoneyField(_("会员价"), validators=[MinValueValidator(0)])
    sort = models.IntegerField(_("排序"), default=0)
    version = models.BigIntegerField(_("版本"), default=0, editable=False)
    created_at = models.DateTimeField(_("上架时间"), default=timezone.now, editable=False)
    removed_at = models.DateTimeField(_("下架时间"), null=True, blank=True, editable=False)
    removed_in = models.ForeignKey(
        "PriceChange", models.PROTECT, related_name="removed_rows", null=True, blank=True, editable=False, verbose_name=_("下架批次")
    )

    objects = ShopProductQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = _("门店商品")
        indexes = [
            models.Index(fields=["shop", "version"], name="shop_product_download"),
            models.Index(fields=["shop", "sort", "id"], condition=Q(removed_at=None), name="shop_product_live"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["shop", "product"], condition=Q(removed_at=None), name="shop_product_live_unique"),
            models.CheckConstraint(condition=Q(price__gte=0, member_price__gte=0), name="shop_product_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.shop} · {self.product}"


class StockFigure(models.Model):
    """What the till's inventory says of a product in a shop; independent of the stock of group buys."""

    shop = models.ForeignKey(Shop, models.PROTECT, related_name="stock_figures", verbose_name=_("门店"))
    product = models.ForeignKey(Product, models.PROTECT, related_name="stock_figures", verbose_name=_("商品"))
    qty = QuantityField(_("数量"), default=0)
    cost_price = MoneyField(_("成本单价"), default=ZERO, validators=[MinValueValidator(0)])
    last_price = MoneyField(_("末次进价"), default=ZERO, validators=[MinValueValidator(0)])

    class Meta:
        verbose_name = verbose_name_plural = _("库存")
        constraints = [
            models.UniqueConstraint(fields=["shop", "product"], name="stock_figure_unique"),
            models.CheckConstraint(condition=Q(cost_price__gte=0, last_price__gte=0), name="stock_figure_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.shop} · {self.product}: {self.qty}"


class ChangeSource(models.TextChoices):
    """Where a batch of changes came from."""

    SHOP = "shop", _("门店资料")
    ADD = "add", _("添加商品")
    CHANGE = "change", _("调价")
    UNIFY = "unify", _("统一调价")
    REMOVE = "remove", _("下架")
    IMPORT = "import", _("行情导入")
    UNDO = "undo", _("撤销")


class PriceChange(models.Model):
    """One batch: everything that one call changed, so that it can be shown and undone as a whole."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="price_changes", verbose_name=_("商家"))
    source = models.CharField(_("来源"), max_length=16, choices=ChangeSource.choices)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("操作人"))
    reason = models.CharField(_("原因"), max_length=200, blank=True)
    undoes = models.OneToOneField("self", models.PROTECT, related_name="undone_by", null=True, blank=True, verbose_name=_("撤销的批次"))
    created_at = models.DateTimeField(_("创建时间"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = _("调价批次")
        indexes = [models.Index(fields=["tenant", "-id"], name="price_change_of_tenant")]
        constraints = [models.CheckConstraint(condition=Q(source__in=ChangeSource.values), name="price_change_source_known")]

    def __str__(self) -> str:
        return f"{self.get_source_display()} #{self.pk}"


class PriceLogQuerySet(AppendOnlyQuerySet["PriceLog"]):
    def visible_to(self, principal: Principal) -> Self:
        return self.filter(principal.scope(tenant="shop__tenant"))


class PriceLog(AppendOnlyModel):
    """One real change of one row; append-only. ``old_price`` is the ``new_price`` of the row's log before it."""

    change = models.ForeignKey(PriceChange, models.PROTECT, related_name="logs", verbose_name=_("批次"))
    shop_product = models.ForeignKey(ShopProduct, models.PROTECT, related_name="logs", verbose_name=_("门店商品"))
    shop = models.ForeignKey(Shop, models.PROTECT, related_name="price_logs", verbose_name=_("门店"))
    product = models.ForeignKey(Product, models.PROTECT, related_name="price_logs", verbose_name=_("商品"))
    old_price = MoneyField(_("原价格"))
    old_member_price = MoneyField(_("原会员价"))
    new_price = MoneyField(_("新价格"))
    new_member_price = MoneyField(_("新会员价"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("操作人"))
    created_at = models.DateTimeField(_("创建时间"), default=timezone.now, editable=False)

    objects = PriceLogQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = _("调价记录")
        indexes = [
            models.Index(fields=["shop", "-created_at", "-id"], name="price_log_of_shop"),
            models.Index(fields=["shop_product", "-id"], name="price_log_of_row"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~(Q(old_price=models.F("new_price")) & Q(old_member_price=models.F("new_member_price"))),
                name="price_log_real_change",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.old_price} → {self.new_price}"


class MarketPrice(models.Model):
    """The wholesale market's price of a product on a day, per unit of the product; imported, never edited."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="market_prices", verbose_name=_("商品"))
    on = dates.DayField(_("日期"))
    low = MoneyField(_("最低价"))
    average = MoneyField(_("平均价"))
    high = MoneyField(_("最高价"))

    class Meta:
        verbose_name = verbose_name_plural = _("行情价")
        constraints = [
            models.UniqueConstraint(fields=["product", "on"], name="market_price_unique"),
            dates.days_are_ours("on", name="market_price_in_our_years"),
        ]

    def __str__(self) -> str:
        return f"{self.on} {self.average}"
