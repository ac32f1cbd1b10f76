"""Retail chains, which share nothing, and their mini-programs."""

from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from retail.database.encrypted_field import EncryptedTextField

is_code = RegexValidator(r"\A[0-9A-Za-z_-]+\Z", _("编码只能包含字母、数字、连字符和下划线。"))


class Tenant(models.Model):
    """One retail chain. Nothing is shared between two of them."""

    code = models.CharField(_("编码"), max_length=32, unique=True, validators=[is_code])
    name = models.CharField(_("名称"), max_length=100)
    app_id = models.CharField(_("小程序 AppId"), max_length=64, unique=True, null=True, blank=True)  # unique: "" could stand only once
    host_name = models.CharField(_("域名"), max_length=253, unique=True, null=True, blank=True)  # None, for many have none
    in_use = models.BooleanField(_("启用"), default=True)
    created_at = models.DateTimeField(_("创建时间"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = _("商家")

    def __str__(self) -> str:
        return self.name


class AppSecret(models.Model):
    """The AppSecret of a tenant's own mini-program; beside the tenant, so that reading a tenant decrypts nothing."""

    tenant = models.OneToOneField(Tenant, models.PROTECT, related_name="app_secret", primary_key=True, verbose_name=_("商家"))
    value = EncryptedTextField(_("小程序 AppSecret"))

    class Meta:
        verbose_name = verbose_name_plural = _("小程序密钥")

    def __str__(self) -> str:
        return str(self.tenant)
