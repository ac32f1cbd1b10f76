from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from retail.database.encrypted_field import EncryptedTextField
from retail.models import Tenant, is_code
from retail.principals import Principal
from retail.rights import Right


class MerchantAccountQuerySet(models.QuerySet["MerchantAccount"]):
    def visible_to(self, principal: Principal) -> Self:
        """Headquarters sees the tenant's; nobody in a shop does."""
        return self.filter(principal.scope(shop="")) if principal.may(Right.SEE_BILLS) else self.none()

    def in_use(self) -> Self:
        return self.filter(in_use=True)

    def counting(self) -> Self:
        """Whose keys mean anything, in use or put aside. Each number and each public key id stands among them once."""
        of_environment = Q(mch_id=settings.WECHAT_MCH_ID) | Q(public_key_id=settings.WECHAT_PAY_PUBLIC_KEY_ID)
        return self.filter(confirmed_at__isnull=False).exclude(of_environment)


class MerchantAccount(models.Model):
    """A tenant's own merchant number at WeChat Pay. New payments go to the one in use, once the platform has confirmed it.

    The others stay, with their keys: payments that went to them are queried and refunded there for a year.
    """

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="merchant_accounts", verbose_name=_("商家"))
    mch_id = models.CharField(_("商户号"), max_length=32, validators=[is_code])
    cert_serial = models.CharField(_("商户 API 证书序列号"), max_length=64, validators=[is_code])
    private_key = EncryptedTextField(_("商户 API 私钥"), help_text=_("apiclient_key.pem 的全部内容。"))
    api_v3_key = EncryptedTextField(_("APIv3 密钥"), help_text=_("32 个字符。"))
    public_key_id = models.CharField(_("微信支付公钥 ID"), max_length=64, validators=[is_code], help_text="PUB_KEY_ID_…")
    public_key = models.TextField(_("微信支付公钥"), help_text=_("pub_key.pem 的全部内容。"))
    in_use = models.BooleanField(_("启用"), default=True, help_text=_("每个商家只能启用一个。"))
    created_at = models.DateTimeField(_("创建时间"), default=timezone.now, editable=False)
    confirmed_at = models.DateTimeField(_("平台确认时间"), null=True, blank=True, editable=False)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True, editable=False, verbose_name=_("平台确认人")
    )

    objects = MerchantAccountQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = _("商户号")
        constraints = [
            models.UniqueConstraint(fields=["tenant"], condition=Q(in_use=True), name="merchant_account_one_in_use"),
            models.UniqueConstraint(fields=["tenant", "mch_id"], name="merchant_account_number_once_a_tenant"),
            models.UniqueConstraint(
                fields=["mch_id"], condition=Q(confirmed_at__isnull=False), name="merchant_account_number_confirmed_once"
            ),
            models.UniqueConstraint(
                fields=["public_key_id"], condition=Q(confirmed_at__isnull=False), name="merchant_account_key_confirmed_once"
            ),
        ]

    def __str__(self) -> str:
        return self.mch_id

    @property
    def names_the_environment(self) -> bool:
        """Whether the account has the environment's number or key id: such a row never counts, whoever confirmed it."""
        pairs = ((self.mch_id, settings.WECHAT_MCH_ID), (self.public_key_id, settings.WECHAT_PAY_PUBLIC_KEY_ID))
        return any(own and own == the_environments for own, the_environments in pairs)
