"""Which gateway takes the money of a tenant, and with which merchant number's keys."""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groupbuy.models import Gateway, MerchantAccount, Payment
from groupbuy.payments.gateways import GatewayError, Misconfigured, NotifyRejected, PaymentGateway, TradeNotFound
from groupbuy.payments.gateways.sandbox import SandboxGateway
from groupbuy.payments.gateways.wechat import Merchant, WeChatGateway
from retail import mini_program
from retail.models import Tenant
from retail.principals import Principal
from retail.refusals import Refusal, found
from retail.rights import Right

is_serial = re.compile(r"[0-9A-Za-z_-]{1,64}").fullmatch
# Nobody has it: a query of it shows whether the keys are accepted.
UNKNOWN_NUMBER = "XIANTUAN0TRY0CREDENTIALS"


class OfEnvironment(Refusal):
    message = gettext_lazy("这是平台自己的商户号或公钥，不能作为商家的商户号")


class Confirmed(Refusal):
    message = gettext_lazy("此商户号已确认")


class NotConfirmed(Refusal):
    message = gettext_lazy("此商户号尚未确认")


class Taken(Refusal):
    message = gettext_lazy("另一个已确认的商户号有相同的号码或微信支付公钥 ID，请先核实并撤销它的确认")


@dataclass(frozen=True)
class MerchantNumber:
    """An account at a gateway, and the tenant that it belongs to; None when several tenants share it."""

    gateway: str
    mch_id: str
    tenant_id: int | None

    @property
    def is_shared(self) -> bool:
        """Any tenant's payments may have gone there: the environment's, and the pretended bank's."""
        return self.gateway == Gateway.SANDBOX or self.mch_id == settings.WECHAT_MCH_ID


def gateway_for(tenant: Tenant) -> PaymentGateway:
    """The gateway that new payments of ``tenant`` go to: its own number, once that counts, else the environment's. Raises Misconfigured."""
    if settings.PAYMENT_GATEWAY == Gateway.SANDBOX:
        return SandboxGateway()
    account = tenant.merchant_accounts.in_use().counting().first()
    merchant = merchant_of(account) if account else merchant_of_environment()
    return WeChatGateway(merchant, app_id=mini_program.app_id_of(tenant))


def gateway_of(payment: Payment) -> PaymentGateway:
    """The gateway that an existing payment went to, with that merchant number, whatever settings and accounts say now.

    A sandbox payment stays one. Raises Misconfigured when the number's keys are gone.
    """
    if payment.gateway == Gateway.SANDBOX:
        return SandboxGateway()
    return WeChatGateway(merchant_behind(payment), app_id=payment.parameters.get("app_id", ""))


def merchant_behind(payment: Payment) -> Merchant:
    """The keys that speak for a payment at WeChat: those of the number that was frozen in it. Raises Misconfigured."""
    return merchant_with(payment.parameters.get("mch_id", ""), tenant_id=payment.order.tenant_id)


def merchant_with(mch_id: str, *, tenant_id: int | None) -> Merchant:
    """The keys of a number: of the environment's its own alone, of any other those of an account of this tenant. Raises Misconfigured."""
    if mch_id == settings.WECHAT_MCH_ID:
        return merchant_of_environment()
    account = MerchantAccount.objects.counting().filter(mch_id=mch_id, tenant=tenant_id).first()
    if account is None:
        raise Misconfigured(f"there are no confirmed keys for merchant {mch_id}")
    return merchant_of(account)


def merchant_numbers() -> list[MerchantNumber]:
    """Every number that money may have gone to: the tenants', used or put aside, and the environment's; or the sandbox."""
    only_tenant = list(Tenant.objects.values_list("pk", flat=True)[:2])
    shared_by = only_tenant[0] if len(only_tenant) == 1 else None
    if settings.PAYMENT_GATEWAY == Gateway.SANDBOX:
        return [MerchantNumber(Gateway.SANDBOX, SandboxGateway.mch_id, shared_by)]
    own = MerchantAccount.objects.counting().order_by("pk").values_list("mch_id", "tenant_id")
    house = [(settings.WECHAT_MCH_ID, shared_by)] if settings.WECHAT_MCH_ID else []
    return [MerchantNumber(Gateway.WECHAT, mch_id, tenant_id) for mch_id, tenant_id in (*house, *own)]


def gateway_of_number(number: MerchantNumber) -> PaymentGateway:
    """The account itself, whatever app its payments were made in. Raises Misconfigured when its keys are gone."""
    if number.gateway == Gateway.SANDBOX:
        return SandboxGateway()
    return WeChatGateway(merchant_with(number.mch_id, tenant_id=number.tenant_id), app_id="")


def gateway_with_serial(serial: str) -> WeChatGateway:
    """The merchant number whose notifications are signed by the key ``serial``. Raises NotifyRejected, Misconfigured."""
    if not is_serial(serial):
        raise NotifyRejected("unknown serial")
    if serial == settings.WECHAT_PAY_PUBLIC_KEY_ID:
        return WeChatGateway(merchant_of_environment(), app_id="")
    account = MerchantAccount.objects.counting().filter(public_key_id=serial).first()
    if account is None:
        raise NotifyRejected("unknown serial")
    return WeChatGateway(merchant_of(account), app_id="")


def speaks_for(gateway: WeChatGateway, payment: Payment) -> bool:
    """Whether a message of this account counts for a payment: its keys are the very ones that the payment would be asked with."""
    try:
        return payment.gateway == Gateway.WECHAT and gateway.merchant == merchant_behind(payment)
    except Misconfigured:
        return False


def merchant_of(account: MerchantAccount) -> Merchant:
    return Merchant(
        mch_id=account.mch_id,
        cert_serial=account.cert_serial,
        private_key=account.private_key,
        api_v3_key=account.api_v3_key,
        public_key_id=account.public_key_id,
        public_key=account.public_key,
    )


def merchant_of_environment() -> Merchant:
    """The merchant number of ``WECHAT_…``, for tenants without one. Raises Misconfigured."""
    return Merchant(
        mch_id=settings.WECHAT_MCH_ID,
        cert_serial=settings.WECHAT_MCH_CERT_SERIAL,
        private_key=key_in("WECHAT_MCH_PRIVATE_KEY_FILE"),
        api_v3_key=settings.WECHAT_PAY_API_V3_KEY,
        public_key_id=settings.WECHAT_PAY_PUBLIC_KEY_ID,
        public_key=key_in("WECHAT_PAY_PUBLIC_KEY_FILE"),
    )


def key_in(setting: str) -> str:
    path = getattr(settings, setting)
    try:
        return Path(path).read_text() if path else ""
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{setting} can't be read: {type(error).__name__}") from None


def try_credentials(account: MerchantAccount) -> str:
    """What is wrong with ``account`` (saved or not), in words for staff; "" when WeChat accepts its signature.

    Queries a number that nobody has. WeChat's public key and the API v3 key are only read: the first payment tries them.
    """
    try:
        WeChatGateway(merchant_of(account), app_id=mini_program.app_id_of(account.tenant)).query(UNKNOWN_NUMBER)
    except TradeNotFound:
        return ""
    except Misconfigured as error:
        return _("微信支付不接受这些密钥：%(reason)s") % {"reason": error}
    except GatewayError as error:
        return _("暂时无法连接微信支付：%(reason)s") % {"reason": error}
    return _("微信支付的回答不符合预期")


@transaction.atomic
def confirm_account(*, account_id: int, principal: Principal, now: datetime) -> MerchantAccount:
    """From now on the number counts: the platform has seen that it is this tenant's.

    For the platform alone. Raises Forbidden, NotThere, OfEnvironment, Confirmed, Taken.
    """
    account = locked(account_id, principal)
    if account.names_the_environment:
        raise OfEnvironment
    if account.confirmed_at is not None:
        raise Confirmed
    account.confirmed_at, account.confirmed_by = now, principal.user
    try:
        with transaction.atomic():
            account.save(update_fields=["confirmed_at", "confirmed_by"])
    except IntegrityError as error:
        raise Taken from error
    return account


@transaction.atomic
def withdraw_confirmation(*, account_id: int, principal: Principal) -> MerchantAccount:
    """From now on the number counts no more: nothing that was paid there is believed, asked for or refunded until it does again.

    For the platform alone. Raises Forbidden, NotThere, NotConfirmed.
    """
    account = locked(account_id, principal)
    if account.confirmed_at is None:
        raise NotConfirmed
    account.confirmed_at = account.confirmed_by = None
    account.save(update_fields=["confirmed_at", "confirmed_by"])
    return account


def locked(account_id: int, principal: Principal) -> MerchantAccount:
    principal.must(Right.CONFIRM_MERCHANTS)
    return found(MerchantAccount.objects.visible_to(principal).select_for_update(), pk=account_id)
