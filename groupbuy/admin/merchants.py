"""A tenant's own merchant number: its keys go in and are never shown again."""

from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groupbuy.models import Gateway, MerchantAccount, Payment, Refund
from groupbuy.payments.gateways import accounts
from retail.backoffice import (
    BooleanRadioFilter,
    Question,
    RelatedFilter,
    ScopedAdmin,
    ScopedForm,
    caller,
    display,
    page_action,
)
from retail.refusals import Refusal
from retail.rights import Right

SECRETS = ("private_key", "api_v3_key")
API_V3_KEY_LENGTH = 32
STANDINGS = {"counts": "success", "waiting": "warning", "aside": "default", "refused": "danger"}


class MerchantAccountForm(ScopedForm):
    """Empty secrets keep what is stored."""

    write_only = SECRETS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in set(SECRETS) & self.fields.keys():
            self.initial.pop(name, None)
            self.fields[name].required = self.instance.pk is None
            if self.instance.pk is not None:
                self.fields[name].help_text = _("已保存，留空则不变。")

    def _get_validation_exclusions(self) -> set[str]:
        # Not in the form, and yet what the constraints on confirmed numbers speak of.
        return super()._get_validation_exclusions() - {"confirmed_at"}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self.refuse_environments(cleaned)
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

    def refuse_environments(self, cleaned: dict[str, Any]) -> None:
        """Nobody's row may have the number or the key id of the environment, whoever fills the form in."""
        if cleaned.get("mch_id") == settings.WECHAT_MCH_ID != "":
            self.add_error("mch_id", _("这是平台自己的商户号，不能登记为商家的商户号"))
        if cleaned.get("public_key_id") == settings.WECHAT_PAY_PUBLIC_KEY_ID != "":
            self.add_error("public_key_id", _("这是平台自己的微信支付公钥 ID，请填写此商户号的"))


def require_credentials(account: MerchantAccount) -> None:
    """Raises Refusal with what WeChat finds wrong about the account's keys."""
    if wrong := accounts.try_credentials(account):
        raise Refusal(wrong)


@admin.register(MerchantAccount)
class MerchantAccountAdmin(ScopedAdmin):
    form = MerchantAccountForm
    list_display = ("mch_id", "public_key_id", "in_use", "standing", "tenant", "created_at")
    list_filter = (("in_use", BooleanRadioFilter), ("tenant", RelatedFilter))
    list_select_related = ("tenant", "confirmed_by")
    linked = ("confirmed_at",)
    pills = (
        (gettext_lazy("全部"), ""),
        (gettext_lazy("待平台确认"), "confirmed_at__isnull=True"),
        (gettext_lazy("已确认"), "confirmed_at__isnull=False"),
    )
    search_fields = ("mch_id",)
    fixed = ("mch_id",)
    readonly_fields = ("confirmation", "advice")
    actions_detail = ("try_credentials", "confirm_number", "withdraw_confirmation")
    fieldsets = (
        (None, {"fields": ("tenant", "mch_id", "in_use", "confirmation", "advice")}),
        (gettext_lazy("商户密钥"), {"fields": ("cert_serial", "private_key", "api_v3_key")}),
        (gettext_lazy("微信支付公钥"), {"fields": ("public_key_id", "public_key")}),
    )

    def has_try_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return caller(request).may(Right.TRY_MERCHANT_KEYS)

    @page_action(description=gettext_lazy("验证密钥"), path="try", permission="try", icon="verified")
    def try_credentials(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account = self.get_object(request, object_id)
        facts = [(_("商户号"), account)]
        question = Question(
            title=_("验证密钥"),
            facts=facts,
            note=_("向微信支付查询一个不存在的单号，以检查商户号、证书序列号和私钥。不产生交易。"),
            button=_("立即验证"),
        )
        service = partial(require_credentials, account)
        return self.ask(request, question, service, _("微信支付接受了这些密钥"), touched=[account])

    def has_confirm_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """The platform alone."""
        return caller(request).may(Right.CONFIRM_MERCHANTS)

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        past = "confirm" if self.get_object(request, str(object_id)).confirmed_at else "withdraw"
        return [action for action in super().get_actions_detail(request, object_id) if action.path != past]

    @page_action(description=gettext_lazy("确认商户号"), path="confirm", permission="confirm", icon="verified_user")
    def confirm_number(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account = self.get_object(request, object_id)
        others = MerchantAccount.objects.filter(mch_id=account.mch_id).exclude(pk=account.pk).select_related("tenant")
        facts = [
            (_("商户号"), account),
            (_("商家"), account.tenant),
            (_("也登记了此商户号的商家"), "、".join(str(other.tenant) for other in others) or "—"),
        ]
        note = _("先用「验证密钥」，并与商家核对商户平台的主体。确认后，此商家新的支付进入这个商户号；其他商家不能再用这个号码。")
        question = Question(title=_("确认商户号"), facts=facts, note=note, button=_("确认属于此商家"))
        service = partial(accounts.confirm_account, account_id=account.pk, principal=caller(request), now=timezone.now())
        done = _("已确认商户号 %(number)s 属于 %(tenant)s") % {"number": account, "tenant": account.tenant}
        return self.ask(request, question, service, done, touched=[account])

    @page_action(description=gettext_lazy("撤销确认"), path="withdraw", permission="confirm", icon="gpp_bad", danger=True)
    def withdraw_confirmation(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account = self.get_object(request, object_id)
        there = Payment.objects.at(Gateway.WECHAT, account.mch_id).filter(order__tenant=account.tenant_id)
        facts = [
            (_("商户号"), account),
            (_("商家"), account.tenant),
            (_("待付款"), there.open().count()),
            (_("处理中的退款"), Refund.objects.under_way().filter(payment__in=there).count()),
        ]
        note = _("撤销后，进入过这个商户号的支付不再查询、退款，其通知不再采信，直到重新确认；新的支付改走平台的商户号。")
        question = Question(title=_("撤销商户号的确认"), facts=facts, note=note, button=_("确认撤销"), danger=True)
        service = partial(accounts.withdraw_confirmation, account_id=account.pk, principal=caller(request))
        return self.ask(request, question, service, _("已撤销商户号 %(number)s 的确认") % {"number": account}, touched=[account])

    @display(description=gettext_lazy("状态"), label=STANDINGS)
    def standing(self, account: MerchantAccount) -> tuple[str, str]:
        if account.names_the_environment:
            return "refused", _("与平台的相同，不生效")
        if account.confirmed_at is None:
            return "waiting", _("等平台确认后启用")
        return ("counts", _("生效")) if account.in_use else ("aside", _("停用"))

    @display(description=gettext_lazy("平台确认"))
    def confirmation(self, account: MerchantAccount) -> str:
        if account.names_the_environment:
            return _("号码或公钥 ID 与平台自己的相同，此商户号不生效。")
        if account.confirmed_at is None:
            return _("等平台确认后启用。在此之前，新的支付仍进入平台的商户号。")
        when = date_format(timezone.localtime(account.confirmed_at), "Y-m-d H:i")
        return _("%(when)s 由 %(who)s 确认") % {"when": when, "who": account.confirmed_by or _("系统升级")}

    @display(description=gettext_lazy("说明"))
    def advice(self, account: MerchantAccount) -> str:
        return _("启用并经平台确认后，新的支付进入这个商户号；停用的商户号仍须保留，用于已有支付的查询和退款。")
