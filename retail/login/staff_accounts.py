"""Accounts of a tenant's own people, which headquarters manages."""

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from retail.models import User
from retail.principals import Principal
from retail.refusals import Forbidden, Invalid, Refusal
from retail.rights import GROUP_NAMES, STAFF_ROLES, Right, Role


def permission_of(right: Right) -> Q:
    """What a person needs for ``right`` besides the role."""
    app_label, codename = right.permission.split(".")
    return Q(content_type__app_label=app_label, codename=codename)


SEE_SECRET, CLEAR_SHOP = permission_of(Right.SEE_APP_SECRETS), permission_of(Right.CLEAR_SHOPS)


class OwnRole(Refusal):
    """Nobody takes the own rights away, or gives themselves more."""

    message = _("不能修改自己的角色、权限或启用状态")


def sees_secrets(user: User) -> bool:
    return holds(user, SEE_SECRET)


def clears_shops(user: User) -> bool:
    return holds(user, CLEAR_SHOP)


def holds(user: User, right: Q) -> bool:
    """Asked of the tables, since Django says no for everyone inactive."""
    return Permission.objects.filter(right).filter(Q(user=user) | Q(group__user=user)).exists()


def may_manage(*, user: User, principal: Principal) -> bool:
    """Headquarters its own tenant's people, but nobody who sees more than itself: whoever sets a password can log in with it."""
    if principal.may(Right.CHOOSE_TENANT):
        return True
    if not principal.may(Right.MANAGE_STAFF) or user.is_superuser or user.tenant_id != principal.tenant_id:
        return False
    return principal.may(Right.SEE_APP_SECRETS) or not sees_secrets(user)


@transaction.atomic
def assign_role(*, user: User, role: Role, principal: Principal, secrets: bool = False, clears: bool = False) -> None:
    """Put ``user`` in the group of ``role`` and in no other, with these rights of the own and no others.

    ``secrets`` is "see secret", for headquarters, if the caller has it; ``clears`` is clearing a shop, for managers and headquarters.

    Raises Forbidden, Invalid on a role that is not staff's, OwnRole.
    """
    if not may_manage(user=user, principal=principal):
        raise Forbidden
    if role not in STAFF_ROLES:
        raise Invalid(_("请选择角色"))
    if principal.user is not None and principal.user.pk == user.pk:
        raise OwnRole
    user.groups.set([Group.objects.get(name=GROUP_NAMES[role])])
    rights = Q(pk__in=[])
    if secrets and role in Right.SEE_APP_SECRETS.holders and principal.may(Right.SEE_APP_SECRETS):
        rights |= SEE_SECRET
    if clears and role in Right.CLEAR_SHOPS.holders:
        rights |= CLEAR_SHOP
    user.user_permissions.set(Permission.objects.filter(rights))


@transaction.atomic
def set_password(*, user: User, password: str, principal: Principal) -> None:
    """A new, already validated password; sessions and tokens of the old one end (``User.save``). Everybody may set the own.

    Raises Forbidden.
    """
    is_own = principal.user is not None and principal.user.pk == user.pk
    if not is_own and not may_manage(user=user, principal=principal):
        raise Forbidden
    user.set_password(password)
    user.save(update_fields=["password"])
