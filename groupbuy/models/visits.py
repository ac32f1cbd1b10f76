from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from groupbuy.models.group_buyings import GroupBuying


class Share(models.Model):
    """A person's link to a group buy; who comes through it is counted as that person's visitor."""

    group_buying = models.ForeignKey(GroupBuying, models.PROTECT, related_name="shares", verbose_name=_("团购"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="shares", verbose_name=_("分享人"))
    created_at = models.DateTimeField(_("分享时间"), default=timezone.now)

    class Meta:
        verbose_name = verbose_name_plural = _("分享")
        constraints = [models.UniqueConstraint(fields=["group_buying", "user"], name="share_unique")]

    def __str__(self) -> str:
        return f"{self.user_id} → {self.group_buying_id}"


class VisitTimes(models.Model):
    """How often a group buy was looked at; beside it, so that looking never waits for the row that sells."""

    group_buying = models.OneToOneField(GroupBuying, models.CASCADE, related_name="visit_times", primary_key=True, verbose_name=_("团购"))
    times = models.PositiveBigIntegerField(_("访问次数"), default=0)

    class Meta:
        verbose_name = verbose_name_plural = _("访问次数")

    def __str__(self) -> str:
        return str(self.times)


class Visitor(models.Model):
    """A known person who looked at a group buy; ``last_at`` moves at most once in 30 minutes, each move is a visit."""

    group_buying = models.ForeignKey(GroupBuying, models.CASCADE, related_name="visitors", verbose_name=_("团购"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="visits", verbose_name=_("访客"))
    last_at = models.DateTimeField(_("最近访问"))

    class Meta:
        verbose_name = verbose_name_plural = _("访客")
        indexes = [models.Index(fields=["group_buying", "-last_at"], name="visitor_newest")]
        constraints = [models.UniqueConstraint(fields=["group_buying", "user"], name="visitor_unique")]

    def __str__(self) -> str:
        return f"{self.user_id} → {self.group_buying_id}"


class ShareVisitor(models.Model):
    """Through whose share a visitor came."""

    share = models.ForeignKey(Share, models.CASCADE, related_name="visitors", verbose_name=_("分享"))
    visitor = models.ForeignKey(Visitor, models.CASCADE, related_name="shares", verbose_name=_("访客"))

    class Meta:
        verbose_name = verbose_name_plural = _("分享访客")
        constraints = [models.UniqueConstraint(fields=["share", "visitor"], name="share_visitor_unique")]

    def __str__(self) -> str:
        return f"{self.share_id}/{self.visitor_id}"
