"""Who is asking: the one argument of every ``visible_to``. Explicit, never a thread-local."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from retail.refusals import Forbidden
from retail.rights import GROUP_NAMES, SHOP_ROLES, STAFF, Right, Role

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from retail.models import User


@dataclass(frozen=True)
class Principal:
    """A caller with the tenant and shops that the credential gives. ``shop_ids`` None: every shop of the tenant."""

    role: Role
    user: "User | None" = None
    tenant_id: int | None = None
    shop_ids: frozenset[int] | None = frozenset()

    def may(self, right: Right) -> bool:
        """Whether this caller's role has ``right``, and the person the permission that it needs besides; that asks the database."""
        if self.role not in right.holders:
            return False
        return not right.permission or (self.user is not None and self.user.has_perm(right.permission))

    def must(self, right: Right) -> None:
        """Raises Forbidden without ``right``."""
        if not self.may(right):
            raise Forbidden

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF

    @property
    def is_buyer(self) -> bool:
        return self.role == Role.BUYER

    @property
    def is_device(self) -> bool:
        return self.role == Role.DEVICE

    @property
    def is_anonymous(self) -> bool:
        return self.role == Role.ANONYMOUS

    @property
    def is_trade(self) -> bool:
        """Staff and devices, who may send and read more at once than the public."""
        return self.is_staff or self.is_device

    def covers(self, *, tenant_id: int, shop_id: int) -> bool:
        """Whether what belongs to this shop is in scope: of one row what ``scope`` is of many."""
        if self.may(Right.CHOOSE_TENANT):
            return True
        return self.tenant_id == tenant_id and (self.shop_ids is None or shop_id in self.shop_ids)

    def scope(self, *, tenant: str = "tenant", shop: str = "shop") -> Q:
        """The condition that keeps a queryset inside this caller's tenant and shops; ``shop=""`` where rows have none."""
        if self.may(Right.CHOOSE_TENANT):
            return Q()
        if self.tenant_id is None:
            return Q(pk__in=[])
        condition = Q(**{tenant: self.tenant_id})
        if shop and self.shop_ids is not None:
            condition &= Q(**{f"{shop}__in": self.shop_ids})
        return condition


ANONYMOUS = Principal(Role.ANONYMOUS)


def device_of(*, tenant_id: int, shop_id: int) -> Principal:
    """Whoever holds the keys of this shop."""
    return Principal(Role.DEVICE, None, tenant_id, frozenset({shop_id}))


def headquarters_of(*, tenant_id: int) -> Principal:
    """A job that does headquarters' work, in nobody's name."""
    return Principal(Role.HEADQUARTERS, None, tenant_id, None)


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
    shop_ids = frozenset(user.shops.values_list("pk", flat=True)) if role in SHOP_ROLES else None
    return Principal(role, user, user.tenant_id, shop_ids)
