"""Who works in the shops, and who buys."""

from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from retail.models.tenants import Tenant, is_code
from retail.principals import Principal
from retail.rights import GROUP_NAMES, SHOP_ROLES, Right


class UserQuerySet(models.QuerySet["User"]):
    def visible_to(self, principal: Principal) -> Self:
        """Headquarters sees its tenant's people; shop staff the buyers of the tenant and themselves."""
        if principal.may(Right.MANAGE_STAFF):
            return self.filter(principal.scope(shop="")).filter(Q(is_superuser=False) | Q(pk=principal.user and principal.user.pk))
        if principal.is_staff and principal.user is not None:
            return self.filter(principal.scope(shop="")).filter(Q(is_staff=False) | Q(pk=principal.user.pk))
        return self.filter(pk=principal.user.pk) if principal.user else self.none()

    def buyers(self) -> Self:
        return self.filter(is_staff=False, is_superuser=False)

    def staff(self) -> Self:
        return self.filter(is_staff=True)

    def working_in_shops(self) -> Self:
        """Of certain shops; headquarters is in all of them."""
        return self.staff().filter(groups__name__in=[GROUP_NAMES[role] for role in SHOP_ROLES])

    def counting(self) -> Self:
        """The platform's people, and those of tenants in use."""
        return self.filter(Q(is_superuser=True) | Q(tenant__in_use=True))


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    """What ``createsuperuser`` and the login need."""

    def create_user(self, username: str | None = None, password: str | None = None, **fields: Any) -> "User":
        user: User = self.model(username=username, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(username, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        user: User = self.get(username=username)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """Staff, who have a user name and a password, and buyers, who have a WeChat identity or a browser session."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="users", null=True, blank=True, verbose_name=_("商家"))
    username = models.CharField(  # unique: buyers have none
        _("用户名"), max_length=150, unique=True, null=True, blank=True, validators=[is_code], help_text=_("员工登录用；顾客留空。")
    )
    nickname = models.CharField(_("昵称"), max_length=64, default="微信用户")
    picture = models.CharField(_("头像"), max_length=500, blank=True)
    phone = models.CharField(_("电话"), max_length=20, blank=True)
    is_staff = models.BooleanField(_("员工"), default=False)
    is_active = models.BooleanField(_("启用"), default=True)
    created_at = models.DateTimeField(_("创建时间"), default=timezone.now, editable=False)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        verbose_name = verbose_name_plural = _("用户")
        indexes = [models.Index(fields=["tenant", "is_staff", "-id"], name="user_of_tenant")]
        constraints = [
            models.CheckConstraint(condition=Q(tenant__isnull=False) | Q(is_superuser=True), name="user_has_tenant"),
            models.CheckConstraint(condition=Q(is_staff=False) | Q(username__isnull=False), name="staff_has_username"),
        ]

    def __str__(self) -> str:
        return self.nickname if self.username is None else f"{self.nickname}（{self.username}）"

    def get_full_name(self) -> str:
        return self.nickname

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A new password ends the tokens of the old one, whoever sets it: the admin, the person, or ``manage.py changepassword``.

        Sessions end by themselves.
        """
        is_new = self._password is not None  # type: ignore[attr-defined]  # Django's own
        super().save(*args, **kwargs)
        if is_new:
            self.auth_token_set.all().delete()  # type: ignore[attr-defined]  # knox's

    save.alters_data = True  # type: ignore[attr-defined]

    @property
    def counts(self) -> bool:
        """Whether the person is of the platform, or of a tenant in use; everybody else is nobody."""
        return self.is_superuser or bool(self.tenant and self.tenant.in_use)


class WeChatIdentity(models.Model):
    """One person has another ``open_id`` in each app; ``union_id`` joins them."""

    user = models.ForeignKey(User, models.PROTECT, related_name="wechat_identities", verbose_name=_("用户"))
    app_id = models.CharField(_("AppId"), max_length=64)
    open_id = models.CharField(_("OpenId"), max_length=128)
    union_id = models.CharField(_("UnionId"), max_length=128, blank=True, db_index=True)

    class Meta:
        verbose_name = verbose_name_plural = _("微信身份")
        constraints = [
            models.UniqueConstraint(fields=["app_id", "open_id"], name="wechat_identity_unique"),
            models.UniqueConstraint(fields=["user", "app_id"], name="wechat_identity_one_per_app"),
        ]

    def __str__(self) -> str:
        return f"{self.app_id}/{self.open_id[:4]}****"
