"""What buyers type into the pages."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from groupbuy.models import DeliverType, GroupBuying
from groupbuy.orders import Wish

INT32 = 2**31 - 1
STALE = dict.fromkeys(("required", "invalid", "min_value"), _("页面内容已过期，请再提交一次"))
QTY = {"required": _("请填写份数"), "invalid": _("请填写份数"), "min_value": _("至少要 1 份"), "max_value": _("没有这么多")}
is_phone = RegexValidator(r"\A\+?[0-9][0-9 -]{4,18}\Z", _("请填写正确的电话号码"))


class OrderForm(forms.Form):
    """The order sheet. ``unit_price`` is the price that the buyer saw; ``key`` makes two taps one order."""

    qty = forms.IntegerField(label=_("份数"), min_value=1, max_value=INT32, error_messages=QTY)
    unit_price = forms.DecimalField(max_digits=10, decimal_places=2, min_value=Decimal("0.01"), error_messages=STALE)
    key = forms.RegexField(r"\A[0-9A-Za-z_-]{16,48}\Z", error_messages=STALE)
    phone = forms.CharField(label=_("手机号"), max_length=20, validators=[is_phone], error_messages={"required": _("请填写手机号")})
    address = forms.CharField(label=_("收货地址"), max_length=200, error_messages={"required": _("请填写收货地址")})
    remark = forms.CharField(label=_("备注"), max_length=200, required=False)

    def __init__(self, *args: Any, group_buying: GroupBuying, phone_required: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group_buying = group_buying
        express = group_buying.deliver_type == DeliverType.EXPRESS
        self.fields["phone"].required = express or phone_required
        self.fields["address"].required = express
        if not express:
            del self.fields["address"]

    def wish(self) -> Wish:
        """What is asked for; the form is valid."""
        typed = self.cleaned_data
        return Wish(
            group_buying_id=self.group_buying.pk,
            qty=typed["qty"],
            money=typed["unit_price"] * typed["qty"],
            address=typed.get("address", ""),
            phone=typed["phone"],
            remark=typed["remark"],
        )
