"""The admin of what shops sell at which price."""

from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pricing import prices
from pricing.models import ChangeSource, MarketPrice, PriceChange, PriceLog, ShopProduct, StockFigure
from pricing.prices.undoing import UNDO_WITHIN
from retail.backoffice import (
    AutocompleteFilter,
    ChoicesDropdownFilter,
    Edit,
    Question,
    RangeDateFilter,
    ReadOnlyAdmin,
    ReadOnlyInline,
    RelatedFilter,
    ScopedForm,
    become,
    caller,
    display,
    page_action,
)
from retail.principals import Principal
from retail.rights import Right
from shops.admin.bases import OfShopAdmin
from shops.models import Shop

PRICES = ("price", "member_price", "sort")


class ShopProductForm(ScopedForm):
    """A new row may leave its prices to the product; of one that exists the log of prices tells who changed them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in set(PRICES) & self.fields.keys():
            self.fields[name].required = self.instance.pk is not None
        if self.instance.pk is None and "price" in self.fields:
            for name in ("price", "member_price"):
                self.fields[name].help_text = _("留空则用商品库的价格。")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.instance.pk is None:
            self.check_new(cleaned)
        return cleaned

    def who_changed(self, name: str, *, since: datetime) -> Edit | None:
        if name not in ("price", "member_price"):
            return super().who_changed(name, since=since)
        logs = PriceLog.objects.filter(shop_product=self.instance.pk, created_at__gte=since).exclude(**{f"old_{name}": F(f"new_{name}")})
        log = logs.select_related("user").order_by("-pk").first()
        return Edit(str(log.user), log.created_at) if log and log.user else None

    def check_new(self, cleaned: dict[str, Any]) -> None:
        shop, product = cleaned.get("shop"), cleaned.get("product")
        if shop and product and ShopProduct.objects.live().filter(shop=shop, product=product).exists():
            self.add_error("product", _("该门店已在售此商品"))


def taken_off(outcome: prices.Outcome) -> str:
    return _("已下架 %(count)s 个商品，24 小时内可在「调价批次」撤销") % {"count": outcome.removed}


@admin.register(ShopProduct)
class ShopProductAdmin(OfShopAdmin):
    """Every price goes through the price service, which logs it and tells the scales."""

    form = ShopProductForm
    list_display = ("named", "shop", "price", "member_price", "sort", "created_at")
    list_filter = (("shop", RelatedFilter), ("product__product_class", RelatedFilter))
    list_select_related = ("shop", "product")
    search_fields = ("product__name", "product__code", "product__barcode", "product__pinyin")
    search_help_text = gettext_lazy("名称、货号、条码、拼音首字母")
    pills = ((gettext_lazy("在售"), "removed_at__isnull=True"), (gettext_lazy("已下架"), "removed_at__isnull=False"))
    linked = ("removed_at",)
    autocomplete_fields = ("product",)
    exported = (
        "shop",
        "product__code",
        "product__barcode",
        (gettext_lazy("商品"), "product__name"),
        "product__spec",
        "product__unit",
        "product__product_class",
        "price",
        "member_price",
        "sort",
        "created_at",
        "removed_at",
    )
    fixed = ("shop", "product")
    actions = ("take_off_sale",)
    readonly_fields = ("created_at", "removed_at")
    fieldsets = ((None, {"fields": ("shop", "product", ("price", "member_price"), "sort", "created_at", "removed_at")}),)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and not (isinstance(obj, ShopProduct) and obj.removed_at)

    def lock(self, object_id: str) -> None:
        """The shop's, as every writer of prices does: with the row's own first, two would wait for each other."""
        list(Shop.objects.filter(shop_products=int(object_id)).select_for_update(of=("self",), no_key=True).values_list("pk"))

    def save_model(self, request: HttpRequest, obj: ShopProduct, form: Any, change: bool) -> None:
        principal, now = caller(request), timezone.now()
        values = {name: form.cleaned_data[name] for name in PRICES if form.cleaned_data.get(name) is not None}
        if change:
            changed = {name: value for name, value in values.items() if name in form.changed_data}
            if changed:
                prices.change_prices(changes=[prices.Change(shop_product_id=obj.pk, **changed)], principal=principal, now=now)
            return
        first = prices.FirstPrice(product_id=obj.product_id, **values)
        prices.set_first_prices(shop=obj.shop, first_prices=[first], principal=principal, now=now)
        become(obj, ShopProduct.objects.live().get(shop=obj.shop_id, product=obj.product_id))

    @admin.action(description=gettext_lazy("下架所选商品"), permissions=["change"])
    def take_off_sale(self, request: HttpRequest, queryset: QuerySet[ShopProduct]) -> HttpResponse | None:
        rows = self.chosen(request, queryset.filter(removed_at=None))
        if not rows:
            return None
        ids = [row.pk for row in rows]
        facts = [(_("商品"), len(rows)), (_("门店"), len({row.shop_id for row in rows}))]
        question = Question(title=_("下架商品"), facts=facts, rows=rows, button=_("确认下架"), danger=True)
        service = partial(prices.remove_products, shop_product_ids=ids, principal=caller(request), now=timezone.now())
        return self.ask(request, question, service, taken_off, touched=rows, back=request.get_full_path())

    @display(description=gettext_lazy("商品"), header=True, ordering="product__name")
    def named(self, row: ShopProduct) -> tuple[str, str]:
        return row.product.name, " · ".join(part for part in (row.product.code, row.product.spec) if part)


@admin.register(StockFigure)
class StockFigureAdmin(OfShopAdmin):
    list_display = ("product", "shop", "qty", "cost_price", "last_price")
    list_filter = (("shop", RelatedFilter), ("product__product_class", RelatedFilter))
    list_select_related = ("shop", "product")
    search_fields = ("product__name", "product__code", "product__barcode", "product__pinyin")
    search_help_text = gettext_lazy("名称、货号、条码、拼音首字母")
    autocomplete_fields = ("product",)
    fixed = ("shop", "product")
    managers_only = ("cost_price", "last_price")
    exported = (
        "shop",
        "product__code",
        (gettext_lazy("商品"), "product__name"),
        "product__spec",
        "product__unit",
        "qty",
        "cost_price",
        "last_price",
    )
    fieldsets = ((None, {"fields": ("shop", "product", "qty", ("cost_price", "last_price"))}),)


class LogInline(ReadOnlyInline):
    """A batch's changes in the shops of whoever looks."""

    model = PriceLog
    fk_name = "change"
    per_page = 50
    fields = ("shop", "product", "old_price", "new_price", "old_member_price", "new_member_price")
    verbose_name_plural = gettext_lazy("调价明细")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PriceLog]:
        rows: QuerySet[PriceLog] = super().get_queryset(request)
        within = PriceLog.objects.visible_to(caller(request)).values("pk")
        return rows.filter(pk__in=within).select_related("shop", "product").order_by("pk")


class RemovedInline(ReadOnlyInline):
    """What a batch took off sale."""

    model = ShopProduct
    fk_name = "removed_in"
    per_page = 50
    fields = ("shop", "product", "price", "member_price")
    verbose_name_plural = gettext_lazy("下架明细")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ShopProduct]:
        rows: QuerySet[ShopProduct] = super().get_queryset(request)
        within = ShopProduct.objects.visible_to(caller(request)).values("pk")
        return rows.filter(pk__in=within).select_related("shop", "product").order_by("pk")


def taken_back(outcome: prices.Outcome) -> str:
    done = _("已恢复 %(count)s 个商品") % {"count": outcome.changed + outcome.restored}
    return done + (_("，%(left)s 个之后又有变动，未恢复") % {"left": outcome.left} if outcome.left else "")


@admin.register(PriceChange)
class PriceChangeAdmin(ReadOnlyAdmin):
    list_display = ("number", "source_label", "size", "reason", "user", "undone", "created_at")
    list_filter = (("source", ChoicesDropdownFilter), ("created_at", RangeDateFilter))
    list_select_related = ("user", "undone_by")
    search_fields = ("reason", "user__nickname")
    inlines = (LogInline, RemovedInline)
    actions_detail = ("undo",)
    fieldsets = ((None, {"fields": ("source", "user_name", "reason", "undone", "created_at")}),)

    def scoped(self, principal: Principal) -> QuerySet[PriceChange]:
        """Of the tenant; people of single shops see those that touched their shops, and their own."""
        batches = PriceChange.objects.filter(principal.scope(shop=""))
        if principal.shop_ids is None:
            return batches
        logs = PriceLog.objects.filter(change=OuterRef("pk"), shop__in=principal.shop_ids)
        removed = ShopProduct.objects.filter(removed_in=OuterRef("pk"), shop__in=principal.shop_ids)
        return batches.filter(Q(user=principal.user) | Exists(logs) | Exists(removed))

    def get_queryset(self, request: HttpRequest) -> Any:
        def counted(rows: Any, column: str) -> Any:
            within = rows.visible_to(caller(request)).filter(**{column: OuterRef("pk")}).order_by()
            return Coalesce(Subquery(within.values(column).annotate(n=Count("pk")).values("n")), 0)

        return (
            super()
            .get_queryset(request)
            .annotate(changes=counted(PriceLog.objects, "change"), removals=counted(ShopProduct.objects, "removed_in"))
        )

    def has_undo_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return caller(request).may(Right.CHANGE_PRICES)

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        batch = self.get_object(request, str(object_id))
        fresh = timezone.now() - batch.created_at <= UNDO_WITHIN
        possible = fresh and batch.source not in (ChangeSource.UNDO, ChangeSource.ADD) and not hasattr(batch, "undone_by")
        return list(super().get_actions_detail(request, object_id)) if possible else []

    @page_action(description=gettext_lazy("撤销这批"), path="undo", permission="undo", icon="undo", danger=True)
    def undo(self, request: HttpRequest, object_id: str) -> HttpResponse:
        batch = self.get_object(request, object_id)
        facts = [
            (_("批次"), batch),
            (_("调价"), _("%(count)s 条") % {"count": batch.changes}),
            (_("下架"), _("%(count)s 条") % {"count": batch.removals}),
        ]
        note = _("价格恢复到这批之前；之后又被改动的商品保持现价。撤销本身也是一个批次，会下发到设备。")
        question = Question(title=_("撤销调价批次"), facts=facts, note=note, button=_("确认撤销"), danger=True)
        service = partial(prices.undo, change_id=batch.pk, principal=caller(request), now=timezone.now())
        return self.ask(request, question, service, taken_back, touched=[batch])

    @display(description=gettext_lazy("批次"), ordering="pk")
    def number(self, batch: PriceChange) -> str:
        return f"#{batch.pk}"

    @display(
        description=gettext_lazy("来源"),
        label={ChangeSource.REMOVE: "danger", ChangeSource.UNDO: "warning", ChangeSource.CHANGE: "success", ChangeSource.UNIFY: "success"},
    )
    def source_label(self, batch: PriceChange) -> Any:
        return batch.source, batch.get_source_display()

    @display(description=gettext_lazy("条数"))
    def size(self, batch: Any) -> int:
        return int(batch.changes + batch.removals)

    @display(description=gettext_lazy("操作人"))
    def user_name(self, batch: PriceChange) -> str:
        return str(batch.user or "—")

    @display(description=gettext_lazy("撤销"))
    def undone(self, batch: PriceChange) -> str:
        return f"#{batch.undone_by.pk}" if hasattr(batch, "undone_by") else "—"


@admin.register(PriceLog)
class PriceLogAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "shop", "product", "price_step", "member_price_step", "user", "change")
    list_filter = (("shop", RelatedFilter), ("product", AutocompleteFilter), ("created_at", RangeDateFilter))
    list_select_related = ("shop", "product", "user", "change")
    search_fields = ("product__name", "product__code", "product__pinyin", "user__nickname")
    search_help_text = gettext_lazy("商品名称、货号、拼音首字母、操作人")
    managers_only = ("user", "user_name")
    exported = (
        "created_at",
        "shop",
        "product__code",
        (gettext_lazy("商品"), "product__name"),
        "old_price",
        "new_price",
        "old_member_price",
        "new_member_price",
        "user_name",
        "change",
    )
    fieldsets = ((None, {"fields": ("shop", "product", "price_step", "member_price_step", "user_name", "change", "created_at")}),)

    @display(description=gettext_lazy("价格"))
    def price_step(self, log: PriceLog) -> str:
        return step(log.old_price, log.new_price)

    @display(description=gettext_lazy("会员价"))
    def member_price_step(self, log: PriceLog) -> str:
        return step(log.old_member_price, log.new_member_price)

    @display(description=gettext_lazy("操作人"))
    def user_name(self, log: PriceLog) -> str:
        return str(log.user or "—")


def step(old: Any, new: Any) -> str:
    return f"¥{new}" if old == new else f"¥{old} → ¥{new}"


@admin.register(MarketPrice)
class MarketPriceAdmin(ReadOnlyAdmin):
    tenant_path, shop_path = "product__tenant", ""
    list_display = ("on", "product", "low", "average", "high")
    list_filter = (("on", RangeDateFilter), ("product", AutocompleteFilter))
    list_select_related = ("product",)
    search_fields = ("product__name", "product__code", "product__pinyin")
    ordering = ("-on", "product")
    fieldsets = ((None, {"fields": ("product", "on", ("low", "average", "high"))}),)
