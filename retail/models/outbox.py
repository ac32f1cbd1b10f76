"""What the world outside is still to be told."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from retail.models.tenants import Tenant
from retail.principals import Principal


class OutboxState(models.TextChoices):
    """SENDING is a claim: a row that outlives its lease in it died with its worker, and nobody knows whether it went out."""

    WAITING = "waiting", _("待发送")
    SENDING = "sending", _("发送中")
    SENT = "sent", _("已发送")
    DROPPED = "dropped", _("无需发送")
    GIVEN_UP = "given_up", _("需人工处理")


UNSENT = (OutboxState.WAITING, OutboxState.SENDING)


class OutboxEntryQuerySet(models.QuerySet["OutboxEntry"]):
    def visible_to(self, principal: Principal) -> Self:
        return self.filter(principal.scope(shop="shop_id")) if principal.is_staff else self.none()

    def due(self, now: datetime) -> Self:
        return self.filter(state__in=UNSENT, next_try_at__lte=now)

    def given_up(self) -> Self:
        return self.filter(state=OutboxState.GIVEN_UP)


class OutboxEntry(models.Model):
    """What the world outside is to be told of a change, written with the change: a kind and an id, no personal data."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="outbox", verbose_name=_("商家"))
    shop_id = models.BigIntegerField(_("门店"))  # no foreign key: shops stand above this app
    kind = models.CharField(_("类型"), max_length=32)
    subject_id = models.BigIntegerField(_("对象编号"), help_text=_("类型决定是哪种对象。"))
    state = models.CharField(_("状态"), max_length=16, choices=OutboxState.choices, default=OutboxState.WAITING)
    attempts = models.PositiveIntegerField(_("尝试次数"), default=0)
    note = models.CharField(_("原因"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("创建时间"), default=timezone.now)
    next_try_at = models.DateTimeField(_("下次尝试"), null=True, blank=True)
    sent_at = models.DateTimeField(_("发送时间"), null=True, blank=True)

    # Somebody has told the person by other means.
    settled_at = models.DateTimeField(_("处理时间"), null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("处理人"), db_index=False
    )

    objects = OutboxEntryQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = _("通知与上报")
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(state__in=list(UNSENT)), name="outbox_due"),
            models.Index(fields=["tenant", "state", "-id"], name="outbox_of_tenant"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["kind", "subject_id"], name="outbox_once"),
            models.CheckConstraint(condition=Q(state__in=OutboxState.values), name="outbox_state_known"),
            models.CheckConstraint(
                condition=Q(state__in=list(UNSENT), next_try_at__isnull=False)
                | Q(state__in=[OutboxState.SENT, OutboxState.DROPPED, OutboxState.GIVEN_UP], next_try_at__isnull=True),
                name="outbox_unsent_has_turn",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id}"
