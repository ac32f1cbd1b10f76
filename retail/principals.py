"""Who is asking: the one argument of every ``visible_to``. Explicit, never a thread-local."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q, TextChoices
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from retail.models import User


class Role(TextChoices):
    """The letters are those of ``security.md``; staff roles are also the names of the Django groups."""

    ANONYMOUS = "anonymous", _("访客")
    BUYER = "buyer", _("买家")
    CLERK = "clerk", _("店员")
    MANAGER = "manager", _("店长")
    HEADQUARTERS = "headquarters", _("总部")
    PLATFORM = "platform", _("平台")
    DEVICE = "device", _("设备")


STAFF_ROLES = (Role.CLERK, Role.MANAGER, Role.HEADQUARTERS)
# From the strongest down: somebody in two groups acts as the stronger.
GROUP_NAMES = {Role.HEADQUARTERS: "总部", Role.MANAGER: "店长", Role.CLERK: "店员"}


@dataclass(frozen=True)
class Principal:
    """A caller with the tenant and shops that the credential gives. ``shop_ids`` None: every shop of the tenant."""

    role: Role
    user: "User | None" = None
    tenant_id: int | None = None
    shop_ids: frozenset[int] | None = frozenset()

    @property
    def is_staff(self) -> bool:
        return self.role in (*STAFF_ROLES, Role.PLATFORM)

    @property
    def is_buyer(self) -> bool:
        return self.role == Role.BUYER

    @property
    def is_trade(self) -> bool:
        """Staff and devices, who may send and read more at once than the public."""
        return self.is_staff or self.role == Role.DEVICE

    @property
    def hands_over(self) -> bool:
        """Sees a buyer's phone, address and remark only while there is something to hand over."""
        return self.role in (Role.CLERK, Role.DEVICE)

    @property
    def sees_costs(self) -> bool:
        return self.role in (Role.MANAGER, Role.HEADQUARTERS, Role.PLATFORM)

    @property
    def sees_secrets(self) -> bool:
        """Two queries: asked where a secret would be shown, not of every request."""
        return self.user is not None and self.user.has_perm("shops.see_secret")

    def covers(self, *, tenant_id: int, shop_id: int) -> bool:
        """Whether what belongs to this shop is in scope: of one row what ``scope`` is of many."""
        if self.role == Role.PLATFORM:
            return True
        return self.tenant_id == tenant_id and (self.shop_ids is None or shop_id in self.shop_ids)

    def scope(self, *, tenant: str = "tenant", shop: str = "shop") -> Q:
        """The condition that keeps a queryset inside this caller's tenant and shops; ``shop=""`` where rows have none."""
        if self.role == Role.PLATFORM:
            return Q()
        if self.tenant_id is None:
            return Q(pk__in=[])
        condition = Q(**{tenant: self.tenant_id})
        if shop and self.shop_ids is not None:
            condition &= Q(**{f"{shop}__in": self.shop_ids})
        return condition


ANONYMOUS = Principal(Role.ANONYMOUS)


def principal_of(user: "User | AnonymousUser") -> Principal:
    """The caller behind a session or a token; staff without a role or a tenant may do nothing."""
    if not user.is_authenticated:
        return ANONYMOUS
    if user.is_superuser:
        return Principal(Role.PLATFORM, user, None, None)
    if not user.is_staff:
        return Principal(Role.BUYER, user, user.tenant_id)
    names = set(user.groups.values_list("name", flat=True))
    role = next((role for role, name in GROUP_NAMES.items() if name in names), None)
    if role is None or user.tenant_id is None:
        return ANONYMOUS
    shop_ids = None if role == Role.HEADQUARTERS else frozenset(user.shops.values_list("pk", flat=True))
    return Principal(role, user, user.tenant_id, shop_ids)
