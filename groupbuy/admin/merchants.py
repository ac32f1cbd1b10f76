"""A tenant's own merchant number: its keys go in and are never shown again."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groupbuy import merchants
from groupbuy.models import MerchantAccount
from retail.backoffice import (
    BooleanRadioFilter,
    Question,
    RelatedFilter,
    ScopedAdmin,
    ScopedForm,
    display,
    page_action,
    page_of,
)
from retail.wire.errors import Refusal

SECRETS = ("private_key", "api_v3_key")
API_V3_KEY_LENGTH = 32


class MerchantAccountForm(ScopedForm):
    """Empty secrets keep what is stored."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in set(SECRETS) & self.fields.keys():
            self.initial.pop(name, None)
            self.fields[name].required = self.instance.pk is None
            if self.instance.pk is not None:
                self.fields[name].help_text = _("已保存，留空则不变。")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        key = cleaned.get("api_v3_key")
        if key and len(key) != API_V3_KEY_LENGTH:
            self.add_error("api_v3_key", _("APIv3 密钥为 32 个字符"))
        for name in SECRETS:
            if name in cleaned and not cleaned[name] and self.instance.pk is not None:
                cleaned[name] = getattr(self.instance, name)
        tenant_id = getattr(cleaned.get("tenant"), "pk", None) or self.instance.tenant_id
        others = MerchantAccount.objects.in_use().filter(tenant=tenant_id).exclude(pk=self.instance.pk)
        if cleaned.get("in_use") and others.exists():
            self.add_error("in_use", forms.ValidationError(_("已有启用的商户号，请先停用它")))
        return cleaned


@admin.register(MerchantAccount)
class MerchantAccountAdmin(ScopedAdmin):
    form = MerchantAccountForm
    list_display = ("mch_id", "public_key_id", "in_use", "tenant", "created_at")
    list_filter = (("in_use", BooleanRadioFilter), ("tenant", RelatedFilter))
    list_select_related = ("tenant",)
    search_fields = ("mch_id",)
    fixed = ("mch_id",)
    readonly_fields = ("advice",)
    actions_detail = ("try_credentials",)
    fieldsets = (
        (None, {"fields": ("tenant", "mch_id", "in_use", "advice")}),
        (gettext_lazy("商户密钥"), {"fields": ("cert_serial", "private_key", "api_v3_key")}),
        (gettext_lazy("微信支付公钥"), {"fields": ("public_key_id", "public_key")}),
    )

    def has_try_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(request.user.has_perm("groupbuy.change_merchantaccount"))

    @page_action(description=gettext_lazy("验证密钥"), path="try", permission="try", icon="verified")
    def try_credentials(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account = self.get_object(request, object_id)

        def act(values: dict[str, Any]) -> str:
            wrong = merchants.try_credentials(account)
            if wrong:
                raise Refusal(wrong)
            return _("微信支付接受了这些密钥")

        note = _("向微信支付查询一个不存在的单号，以检查商户号、证书序列号和私钥。不产生交易。")
        question = Question(title=_("验证密钥"), facts=[(_("商户号"), account)], note=note, button=_("立即验证"))
        return self.ask(request, question, act, touched=[account], back=page_of(account))

    @display(description=gettext_lazy("说明"))
    def advice(self, account: MerchantAccount) -> str:
        return _("启用后新的支付进入这个商户号；停用的商户号仍须保留，用于已有支付的查询和退款。")
