from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Self

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from groupbuy.models import phases
from groupbuy.models.phases import Outcome, Phase
from groupbuy.models.turns import TurnQuerySet
from retail import dates
from retail.models import Product, Tenant
from retail.money import MoneyField, to_cents
from retail.principals import Principal
from shops.models import Shop


class DeliverType(models.IntegerChoices):
    """How the goods reach the buyer (``deliverType`` in ``docs/api/groupbuy.md``)."""

    PICK_UP = 1, _("自提")
    EXPRESS = 2, _("快递")


class PickUpWindow(NamedTuple):
    """From when the goods can be collected, and until when; what is late can still be collected."""

    start: datetime
    end: datetime


# Who paid gets the money back.
UNSUCCESSFUL = (Outcome.FAILED, Outcome.CANCELLED)


class GroupBuyingQuerySet(TurnQuerySet["GroupBuying"]):
    def visible_to(self, principal: Principal) -> Self:
        """Staff manage those of their shops. The public face is for everyone: see ``public_to``."""
        return self.filter(principal.scope())

    def public(self) -> Self:
        """What anyone may look at: a tenant that is switched off has no public face."""
        return self.filter(tenant__in_use=True)

    def public_to(self, principal: Principal) -> Self:
        """What may be visited and shared: anyone without a tenant any, everyone else those of the own tenant."""
        return self.public() if principal.tenant_id is None else self.public().filter(tenant=principal.tenant_id)

    def open(self, now: datetime) -> Self:
        """An order may be placed at ``now``, if there is stock."""
        return self.filter(in_use=True, outcome=Outcome.OPEN, start_at__lte=now, end_at__gt=now)

    def running_or_coming(self, now: datetime) -> Self:
        """Orders may still be placed, now or later."""
        return self.filter(in_use=True, outcome=Outcome.OPEN, end_at__gt=now)

    def running(self, now: datetime) -> Self:
        return self.open(now).filter(taken__lt=F("quota"))

    def in_phase(self, *wanted: Phase, now: datetime) -> Self:
        return self.alias(phase_now=phases.phase_in_sql(now)).filter(phase_now__in=wanted)

    def for_wire(self) -> Self:
        """With everything that an answer shows of a group buy, in a constant number of queries."""
        return self.select_related("shop", "product", "creator", "visit_times").prefetch_related("images", "product__images")

    def undecided(self, now: datetime) -> Self:
        """Ended with a minimum that nobody has looked at yet."""
        return self.filter(outcome=Outcome.OPEN, end_at__lte=now, min_qty__gt=0)


class GroupBuying(models.Model):
    """One product at one price until ``end_at`` or until ``quota`` units are taken."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="group_buyings", verbose_name=_("商家"))
    shop = models.ForeignKey(Shop, models.PROTECT, related_name="group_buyings", verbose_name=_("门店"))
    product = models.ForeignKey(Product, models.PROTECT, related_name="group_buyings", verbose_name=_("商品"))
    name = models.CharField(_("名称"), max_length=100)
    description = models.TextField(_("描述"), max_length=2000, blank=True)
    spec = models.CharField(_("规格"), max_length=100, blank=True)
    price = MoneyField(_("单价"), validators=[MinValueValidator(0)])
    quota = models.PositiveIntegerField(_("库存"), help_text=_("一共可售的份数。"))
    taken = models.PositiveIntegerField(_("已占用"), default=0, editable=False)
    last_sequence = models.PositiveIntegerField(_("最后序号"), default=0, editable=False)
    start_at = dates.MomentField(_("开始时间"))
    end_at = dates.MomentField(_("截单时间"))
    deliver_type = models.IntegerField(_("配送方式"), choices=DeliverType.choices, default=DeliverType.PICK_UP)
    content = models.DecimalField(
        _("每份含量"), max_digits=10, decimal_places=3, null=True, blank=True, help_text=_("每份有多少，按商品的单位，如 3 斤装填 3。")
    )
    pick_up_from = dates.MomentField(_("取货开始"), null=True, blank=True)
    pick_up_until = dates.MomentField(_("取货截止"), null=True, blank=True)
    ships_on = dates.DayField(_("发货日期"), null=True, blank=True)
    per_order_limit = models.PositiveIntegerField(_("每单限购"), null=True, blank=True, help_text=_("空则按门店的配置。"))
    per_buyer_limit = models.PositiveIntegerField(_("每人限购"), default=0, help_text=_("0 表示不限。"))
    min_qty = models.PositiveIntegerField(_("成团份数"), default=0, help_text=_("截单时已付款份数不足则全部退款；0 表示不设门槛。"))
    address = models.CharField(_("自提地址"), max_length=200, blank=True)
    lbs = models.CharField(_("坐标"), max_length=64, blank=True)
    phone = models.CharField(_("联系电话"), max_length=20, blank=True)
    in_use = models.BooleanField(_("启用"), default=True)
    outcome = models.CharField(_("结果"), max_length=16, choices=Outcome.choices, default=Outcome.OPEN, blank=True, editable=False)
    decided_at = models.DateTimeField(_("结果时间"), null=True, blank=True, editable=False)
    declared_at = models.DateTimeField(_("提前成团时间"), null=True, blank=True, editable=False)
    declared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        editable=False,
        verbose_name=_("提前成团的人"),
        db_index=False,
    )
    next_job_at = models.DateTimeField(_("下次后台处理"), null=True, blank=True, editable=False)
    creator = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="group_buyings", editable=False, verbose_name=_("创建人")
    )
    created_at = models.DateTimeField(_("创建时间"), default=timezone.now, editable=False)

    objects = GroupBuyingQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = _("团购")
        indexes = [
            models.Index(fields=["tenant", "in_use", "end_at"], name="group_buying_of_tenant"),
            models.Index(fields=["shop", "-end_at"], name="group_buying_of_shop"),
            models.Index(fields=["end_at"], condition=Q(outcome=Outcome.OPEN, min_qty__gt=0), name="group_buying_undecided"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(taken__lte=F("quota")), name="group_buying_not_oversold"),
            models.CheckConstraint(condition=Q(price__gt=0), name="group_buying_has_price"),
            models.CheckConstraint(condition=Q(end_at__gt=F("start_at")), name="group_buying_ends_after_start"),
            dates.moments_are_ours("start_at", "end_at", name="group_buying_in_our_years"),
            models.CheckConstraint(condition=Q(content__gt=0), name="group_buying_has_content"),
            models.CheckConstraint(condition=Q(per_order_limit__gt=0), name="group_buying_has_order_limit"),
            models.CheckConstraint(condition=Q(pick_up_until__gt=F("pick_up_from")), name="group_buying_pick_up_ends_after_start"),
            dates.moments_are_ours("pick_up_from", "pick_up_until", name="group_buying_pick_up_in_our_years"),
            dates.days_are_ours("ships_on", name="group_buying_ships_in_our_years"),
            models.CheckConstraint(condition=Q(min_qty__lte=F("quota")), name="group_buying_can_succeed"),
            models.CheckConstraint(condition=Q(deliver_type__in=DeliverType.values), name="group_buying_deliver_type_known"),
            models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="group_buying_outcome_known"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def stock(self) -> int:
        """What can still be bought."""
        return self.quota - self.taken

    @property
    def price_per_unit(self) -> Decimal | None:
        """Yuan for one of the product's unit (斤), as its prices and costs are given; None of old ones, whose content nobody wrote down."""
        return to_cents(self.price / self.content) if self.content else None

    @property
    def pick_up_window(self) -> PickUpWindow | None:
        """None of parcels, and of group buys from before there were dates."""
        if self.pick_up_from is None or self.pick_up_until is None:
            return None
        return PickUpWindow(self.pick_up_from, self.pick_up_until)

    @property
    def is_undecided(self) -> bool:
        """Whether the minimum still has to be reached: until then no goods go out, since all the money may go back."""
        return bool(self.min_qty) and self.outcome == Outcome.OPEN and self.declared_at is None

    def phase(self, now: datetime) -> Phase:
        return phases.phase_of(self, now)

    def is_open(self, now: datetime) -> bool:
        """An order may be placed at ``now``, if there is stock; on many rows this is ``GroupBuyingQuerySet.open``."""
        return self.phase(now) in phases.OPEN

    @property
    def is_unsuccessful(self) -> bool:
        return self.outcome in UNSUCCESSFUL


class GroupBuyingImage(models.Model):
    """A picture of a group buy; the first by ``sort`` leads its page."""

    group_buying = models.ForeignKey(GroupBuying, models.CASCADE, related_name="images", verbose_name=_("团购"))
    image = models.ImageField(_("图片"), upload_to="groupbuys/")
    sort = models.IntegerField(_("排序"), default=0)

    class Meta:
        verbose_name = verbose_name_plural = _("团购图片")
        indexes = [models.Index(fields=["group_buying", "sort"], name="image_of_group_buying")]

    def __str__(self) -> str:
        return self.image.name or ""
