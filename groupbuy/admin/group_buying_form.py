"""The form of a group buy: its rules in words, where the database would only say no."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groupbuy.admin import content, rescheduling
from retail.backoffice import ScopedForm


class GroupBuyingForm(ScopedForm):
    class Meta:
        help_texts = {"content": gettext_lazy("每份有多少，按商品的单位，如 3 斤装填 3；留空则从规格读出。")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rescheduling.explain_dates(self)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self.check_times(cleaned)
        rescheduling.check_dates(self, cleaned)
        self.check_quantities(cleaned)
        content.check(self, cleaned)
        price = cleaned.get("price")
        if price is not None and price <= 0:
            self.add_error("price", _("单价须大于 0"))
        shop = cleaned.get("shop")
        if shop is not None and self.instance.pk is None:
            self.instance.tenant_id = shop.tenant_id
        return cleaned

    def check_times(self, cleaned: dict[str, Any]) -> None:
        start_at, end_at = cleaned.get("start_at"), cleaned.get("end_at")
        if start_at and end_at and end_at <= start_at:
            self.add_error("end_at", _("截单时间须晚于开始时间"))
        elif end_at and "end_at" in self.changed_data and end_at <= timezone.now():
            self.add_error("end_at", _("截单时间已过；要立即截单请用「提前截单」"))

    def check_quantities(self, cleaned: dict[str, Any]) -> None:
        quota, min_qty, limit = cleaned.get("quota"), cleaned.get("min_qty"), cleaned.get("per_buyer_limit")
        if quota is None:
            return
        if quota <= 0:
            self.add_error("quota", _("库存须大于 0"))
            return
        if quota < self.instance.taken:
            self.add_error("quota", _("库存不能少于已占用的 %(taken)s 份") % {"taken": self.instance.taken})
        if min_qty and self.instance.last_sequence and min_qty > self.initial.get("min_qty", 0):
            # Whoever has paid was promised less, and may have the goods.
            self.add_error("min_qty", _("已有订单，成团份数只能调低"))
        if min_qty and min_qty > quota:
            self.add_error("min_qty", _("成团份数不能超过库存"))
        if limit and limit > quota:
            self.add_error("per_buyer_limit", _("每人限购不能超过库存"))
