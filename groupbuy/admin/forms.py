"""Forms of the staff: what they are asked before money or goods move."""

import unicodedata
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from retail.money import CENT
from shops.models import Shop

CODE_LENGTH = 8


class DeliverForm(forms.Form):
    """Of express orders; what arrives in a shop needs no number."""

    carrier = forms.CharField(label=gettext_lazy("快递公司"), max_length=64, help_text=gettext_lazy("请填全称，如 顺丰速运、中通快递。"))
    tracking_number = forms.CharField(label=gettext_lazy("快递单号"), max_length=64)


class CallForm(forms.Form):
    """Whose buyer was called, because of which notice."""

    order_id = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    notice_id = forms.IntegerField(min_value=1, max_value=2**63 - 1)


class RefundForm(forms.Form):
    """All that is left, or a part. ``intent`` makes a second click the same refund."""

    amount = forms.DecimalField(label=gettext_lazy("退款金额"), required=False, max_digits=10, decimal_places=2, min_value=CENT)
    reason = forms.CharField(label=gettext_lazy("原因"), max_length=80, help_text=gettext_lazy("顾客会在微信退款通知里看到。"))
    intent = forms.CharField(widget=forms.HiddenInput, max_length=32)

    def __init__(self, *args: Any, left: Decimal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.left = left
        self.fields["amount"].help_text = _("留空则全部退款 ¥%(left)s。") % {"left": left}
        self.fields["intent"].initial = uuid.uuid4().hex

    def clean_amount(self) -> Decimal | None:
        amount: Decimal | None = self.cleaned_data["amount"]
        if amount is not None and amount > self.left:
            raise forms.ValidationError(_("最多可退 ¥%(left)s") % {"left": self.left})
        return amount


class NoteForm(forms.Form):
    """What a person found out."""

    note = forms.CharField(label=gettext_lazy("处理说明"), max_length=200)


class ReferenceForm(forms.Form):
    """By what the money that was paid back by hand can be found again."""

    note = forms.CharField(
        label=gettext_lazy("退回方式与凭证"), max_length=200, help_text=gettext_lazy("如：银行转账，流水号 …；微信商户平台退款单号 …。")
    )


class ReturnedForm(ReferenceForm):
    """All that is left of held money, or a part. ``intent`` makes a second click the same record."""

    amount = forms.DecimalField(label=gettext_lazy("已退回金额"), required=False, max_digits=10, decimal_places=2, min_value=CENT)
    intent = forms.CharField(widget=forms.HiddenInput, max_length=32)
    field_order = ("amount", "note", "intent")

    def __init__(self, *args: Any, left: Decimal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].help_text = _("留空则为全部 ¥%(left)s。") % {"left": left}
        self.fields["intent"].initial = uuid.uuid4().hex


class ShortageForm(forms.Form):
    """How many units of each of ``orders`` are missing. ``seen``: the units whose money was shown; ``orders``: on which the page looks."""

    total = forms.IntegerField(label=gettext_lazy("共缺份数"), required=False, min_value=1, max_value=10**6)
    reason = forms.CharField(label=gettext_lazy("说明"), required=False, max_length=60)
    intent = forms.CharField(widget=forms.HiddenInput, max_length=32)
    seen = forms.CharField(widget=forms.HiddenInput, required=False)
    orders = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, orders: Sequence[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = _("可不填；顾客会看到缺货份数，并在微信退款通知里看到说明。")
        self.fields["intent"].initial = uuid.uuid4().hex
        self.fields["orders"].initial = ",".join(map(str, orders))
        self.pks = orders
        for pk in orders:
            self.fields[f"units_{pk}"] = forms.IntegerField(required=False, min_value=0, max_value=10**6)

    @property
    def missing(self) -> dict[int, int]:
        return {pk: units for pk in self.pks if (units := self.cleaned_data.get(f"units_{pk}"))}


class CancelForm(forms.Form):
    """Nobody cancels by a slip of the hand: what it costs is ticked."""

    reason = forms.CharField(label=gettext_lazy("取消原因"), max_length=80)
    understood = forms.BooleanField(error_messages={"required": gettext_lazy("请先勾选确认")})

    def __init__(self, *args: Any, orders: int, money: Decimal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["understood"].label = _("我确认取消，并退款 %(orders)s 个订单共 ¥%(money)s") % {"orders": orders, "money": money}

    def clean(self) -> dict[str, Any]:
        """The reason alone goes on to the service."""
        return {name: value for name, value in self.cleaned_data.items() if name != "understood"}


class LiftForm(forms.Form):
    """Whose pause in which shop."""

    user_id = forms.IntegerField(min_value=1, max_value=10**18 - 1)
    shop_id = forms.IntegerField(min_value=1, max_value=10**18 - 1)


class PickUpForm(forms.Form):
    """A shop and the eight digits that the buyer shows."""

    shop = forms.ModelChoiceField(Shop.objects.none(), label=gettext_lazy("门店"), empty_label=None)
    code = forms.CharField(label=gettext_lazy("取货码"), max_length=20)

    def __init__(self, *args: Any, shops: QuerySet[Shop], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["shop"]
        field.queryset = shops

    def clean_code(self) -> str:
        """Eight digits, however they were read out: spaces and full-width digits are fine."""
        code = "".join(str(unicodedata.decimal(sign)) for sign in self.cleaned_data["code"] if sign.isdecimal())
        if len(code) != CODE_LENGTH:
            raise forms.ValidationError(_("取货码是 8 位数字"))
        return code
