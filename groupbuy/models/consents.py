from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from retail.models import User

# Whoever says yes more often is still told of no more than a shop has to say.
CONSENTS_MAX = 50


class ConsentQuerySet(models.QuerySet["Consent"]):
    def of(self, user: User, template_id: str) -> Self:
        return self.filter(user=user, template_id=template_id)

    def take(self, now: datetime) -> bool:
        """Use one up. Compare-and-set: of two messages at once the last one lets one through."""
        return bool(self.filter(left__gt=0).update(left=F("left") - 1, updated_at=now))

    def add(self, now: datetime) -> None:
        self.filter(left__lt=CONSENTS_MAX).update(left=F("left") + 1, updated_at=now)


class Consent(models.Model):
    """How many messages of a template a buyer still agrees to, as the mini-program has told us: WeChat doesn't say. One is one message.

    No row: nothing was ever told, as by a mini-program that doesn't count, and only WeChat knows.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("用户"), db_index=False)
    template_id = models.CharField(_("消息模板"), max_length=64)
    left = models.PositiveIntegerField(_("剩余次数"), default=0)
    updated_at = models.DateTimeField(_("更新时间"), default=timezone.now)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = _("消息订阅")
        constraints = [
            models.UniqueConstraint(fields=["user", "template_id"], name="consent_once"),
            models.CheckConstraint(condition=Q(left__lte=CONSENTS_MAX), name="consent_not_too_many"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.template_id} × {self.left}"
