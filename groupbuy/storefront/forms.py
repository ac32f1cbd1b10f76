"""What buyers type into the pages."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.validators import MinLengthValidator
from django.utils.translation import gettext_lazy as _

from groupbuy.models import DeliverType, GroupBuying
from groupbuy.orders import Wish, regions
from retail import phones

INT32 = 2**31 - 1
STALE = dict.fromkeys(("required", "invalid", "min_value"), _("页面内容已过期，请再提交一次"))
QTY = {"required": _("请填写份数"), "invalid": _("请填写份数"), "min_value": _("至少要 1 份"), "max_value": _("没有这么多")}
PROVINCES = [("", _("请选择")), *((name, name) for name in regions.PROVINCES)]
# Joined they fit into an order's address.
CITY_LONGEST, STREET_LONGEST = 40, 140
OF_PARCELS = ("recipient", "province", "city", "street")


def at_least(length: int, words: Any) -> MinLengthValidator:
    return MinLengthValidator(length, words)


class OrderForm(forms.Form):
    """The order sheet. ``unit_price`` is the price that the buyer saw; ``key`` makes two taps one order."""

    qty = forms.IntegerField(label=_("份数"), min_value=1, max_value=INT32, error_messages=QTY)
    unit_price = forms.DecimalField(max_digits=10, decimal_places=2, min_value=Decimal("0.01"), error_messages=STALE)
    key = forms.RegexField(r"\A[0-9A-Za-z_-]{16,48}\Z", error_messages=STALE)
    recipient = forms.CharField(
        label=_("收货人"), max_length=50, validators=[at_least(2, _("请填写收货人的姓名"))], error_messages={"required": _("请填写收货人")}
    )
    phone = forms.CharField(label=_("手机号"), max_length=30, error_messages={"required": _("请填写手机号")})
    province = forms.ChoiceField(
        label=_("省份"), choices=PROVINCES, error_messages=dict.fromkeys(("required", "invalid_choice"), _("请选择省份"))
    )
    city = forms.CharField(
        label=_("市、区县"),
        max_length=CITY_LONGEST,
        validators=[at_least(2, _("请填写完整的市和区县"))],
        error_messages={"required": _("请填写市和区县")},
    )
    street = forms.CharField(
        label=_("详细地址"),
        max_length=STREET_LONGEST,
        validators=[at_least(4, _("请填写完整的街道和门牌号"))],
        error_messages={"required": _("请填写收货地址")},
    )
    remark = forms.CharField(label=_("备注"), max_length=200, required=False)

    def __init__(self, *args: Any, group_buying: GroupBuying, phone_required: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group_buying = group_buying
        express = group_buying.deliver_type == DeliverType.EXPRESS
        self.fields["phone"].required = express or phone_required
        for name in () if express else OF_PARCELS:
            del self.fields[name]

    def clean_phone(self) -> str:
        typed: str = self.cleaned_data["phone"]
        return phones.normalised(typed) if typed else ""

    def clean_city(self) -> str:
        """Without spaces: the first parts the address again."""
        return "".join(self.cleaned_data["city"].split())

    def wish(self) -> Wish:
        """What is asked for; the form is valid."""
        typed = self.cleaned_data
        parcel = {}
        if "street" in typed:
            address = regions.joined(typed["province"], typed["city"], typed["street"])
            parcel = {"recipient": typed["recipient"], "address": address}
        return Wish(
            group_buying_id=self.group_buying.pk,
            qty=typed["qty"],
            money=typed["unit_price"] * typed["qty"],
            phone=typed["phone"],
            remark=typed["remark"],
            **parcel,
        )
