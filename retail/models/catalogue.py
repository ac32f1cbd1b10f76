"""What a tenant sells: classes, products and their pictures."""

from functools import reduce
from operator import or_
from typing import Any, Self

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pypinyin import Style, lazy_pinyin

from retail.models.tenants import Tenant, is_code
from retail.money import ZERO, MoneyField, QuantityField
from retail.principals import Principal


class ProductClassQuerySet(models.QuerySet["ProductClass"]):
    def visible_to(self, principal: Principal) -> Self:
        return self.filter(principal.scope(shop=""))

    def with_descendants(self, ids: set[int]) -> set[int]:
        """``ids`` of this queryset and everything below them; one query, whatever the depth."""
        children: dict[int | None, list[int]] = {}
        known = set()
        for pk, parent_id in self.values_list("pk", "parent_id"):
            children.setdefault(parent_id, []).append(pk)
            known.add(pk)
        found: set[int] = set()
        waiting = [pk for pk in ids if pk in known]
        while waiting:
            pk = waiting.pop()
            if pk not in found:
                found.add(pk)
                waiting.extend(children.get(pk, []))
        return found


class ProductClass(models.Model):
    """A branch of the tenant's tree of products."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="product_classes", verbose_name=_("商家"))
    parent = models.ForeignKey("self", models.PROTECT, related_name="children", null=True, blank=True, verbose_name=_("上级分类"))
    code = models.CharField(_("编码"), max_length=32, validators=[is_code])
    name = models.CharField(_("名称"), max_length=64)
    sort = models.IntegerField(_("排序"), default=0)

    objects = ProductClassQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = _("商品分类")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "code"], name="product_class_code_unique"),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="product_class_not_own_parent"),
        ]

    def __str__(self) -> str:
        return self.name


class PricingType(models.IntegerChoices):
    """How a scale asks for the quantity (``pricingType`` in ``docs/api/shopproduct.md``)."""

    COUNT = 0, _("计数")
    WEIGHT = 1, _("计重")
    COUNT_THEN_WEIGH = 2, _("计数取重")


class Storage(models.TextChoices):
    """How goods are kept, and so how long they can wait for their buyers."""

    AMBIENT = "ambient", _("常温")
    CHILLED = "chilled", _("冷藏")
    FROZEN = "frozen", _("冷冻")


class ProductQuerySet(models.QuerySet["Product"]):
    def visible_to(self, principal: Principal) -> Self:
        return self.filter(principal.scope(shop=""))

    def in_use(self) -> Self:
        return self.filter(in_use=True)

    def matching(self, keyword: str) -> Self:
        """Name, code, barcode or pinyin initials contain ``keyword``, in whatever letter case."""
        if not keyword:
            return self
        # Chinese and digits have no case, and PostgreSQL's UPPER() of every name takes four times as long as the comparison itself.
        contains = "contains" if keyword.lower() == keyword.upper() else "icontains"
        columns = [Q(**{f"{name}__{contains}": keyword}) for name in ("name", "code", "barcode")]
        return self.filter(reduce(or_, columns, Q(pinyin__contains=keyword.lower())))


class Product(models.Model):
    """What a tenant sells, with the master prices that a shop starts from."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="products", verbose_name=_("商家"))
    product_class = models.ForeignKey(ProductClass, models.PROTECT, related_name="products", verbose_name=_("商品分类"))
    code = models.CharField(_("货号"), max_length=32, validators=[is_code])
    barcode = models.CharField(_("条码"), max_length=32, blank=True, db_index=True)
    name = models.CharField(_("名称"), max_length=100)
    pinyin = models.CharField(_("拼音首字母"), max_length=100, blank=True, editable=False)
    unit = models.CharField(_("单位"), max_length=16, default="斤")
    spec = models.CharField(_("规格"), max_length=100, blank=True)
    pricing_type = models.IntegerField(_("计价方式"), choices=PricingType.choices, default=PricingType.COUNT)
    pack_size = QuantityField(_("每箱数量"), default=0, validators=[MinValueValidator(0)], help_text=_("0 表示不按箱。"))
    storage = models.CharField(_("储存方式"), max_length=16, choices=Storage.choices, default=Storage.AMBIENT, db_default=Storage.AMBIENT)
    price = MoneyField(_("价格"), default=ZERO, validators=[MinValueValidator(0)])
    member_price = MoneyField(_("会员价"), default=ZERO, validators=[MinValueValidator(0)])
    source = models.CharField(_("行情来源"), max_length=32, blank=True, editable=False, help_text=_("导入文件名；手工建立的商品为空。"))
    in_use = models.BooleanField(_("启用"), default=True)
    created_at = models.DateTimeField(_("创建时间"), default=timezone.now, editable=False)

    objects = ProductQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = _("商品")
        indexes = [models.Index(fields=["tenant", "product_class", "code"], name="product_of_class")]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "code"], name="product_code_unique"),
            # seeds of the market data: a product is file + name + 规格
            models.UniqueConstraint(fields=["tenant", "source", "name", "spec"], condition=~Q(source=""), name="product_of_source_unique"),
            models.CheckConstraint(condition=Q(price__gte=0, member_price__gte=0, pack_size__gte=0), name="product_not_negative"),
            models.CheckConstraint(condition=Q(pricing_type__in=PricingType.values), name="product_pricing_type_known"),
            models.CheckConstraint(condition=Q(storage__in=Storage.values), name="product_storage_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name}（{self.code}）"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.pinyin = pinyin_initials(self.name)
        super().save(*args, **kwargs)

    save.alters_data = True  # type: ignore[attr-defined]


def pinyin_initials(name: str) -> str:
    """``红富士苹果`` → ``hfspg``; what is not Chinese stays, in lower case."""
    return "".join(lazy_pinyin(name, style=Style.FIRST_LETTER)).lower()[:100]


class ProductImage(models.Model):
    """A picture of a product; the first by ``sort`` stands for it."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="images", verbose_name=_("商品"))
    image = models.ImageField(_("图片"), upload_to="products/")
    sort = models.IntegerField(_("排序"), default=0)

    class Meta:
        verbose_name = verbose_name_plural = _("商品图片")
        indexes = [models.Index(fields=["product", "sort"], name="image_of_product")]

    def __str__(self) -> str:
        return self.image.name or ""
