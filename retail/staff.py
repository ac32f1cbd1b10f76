"""Accounts of a tenant's own people, which headquarters manages."""

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from knox.models import AuthToken

from retail.models import User
from retail.principals import GROUP_NAMES, STAFF_ROLES, Principal, Role
from retail.wire.errors import Forbidden, Invalid, Refusal

SEE_SECRET = Q(content_type__app_label="shops", codename="see_secret")


class OwnRole(Refusal):
    """Nobody takes the own rights away, or gives themselves more."""

    message = _("不能修改自己的角色、权限或启用状态")


def sees_secrets(user: User) -> bool:
    """Holds "see secret"; asked of the tables, since Django says no for everyone inactive."""
    return Permission.objects.filter(SEE_SECRET).filter(Q(user=user) | Q(group__user=user)).exists()


def may_manage(*, user: User, principal: Principal) -> bool:
    """Headquarters its own tenant's people, but nobody who sees more than itself: whoever sets a password can log in with it."""
    if principal.role == Role.PLATFORM:
        return True
    if principal.role != Role.HEADQUARTERS or user.is_superuser or user.tenant_id != principal.tenant_id:
        return False
    return principal.sees_secrets or not sees_secrets(user)


@transaction.atomic
def assign_role(*, user: User, role: Role, secrets: bool, principal: Principal) -> None:
    """Put ``user`` in the group of ``role`` and in no other; ``secrets`` grants "see secret" to headquarters, if the caller has it.

    Raises Forbidden, Invalid on a role that is not staff's, OwnRole.
    """
    if not may_manage(user=user, principal=principal):
        raise Forbidden
    if role not in STAFF_ROLES:
        raise Invalid(_("请选择角色"))
    if principal.user is not None and principal.user.pk == user.pk:
        raise OwnRole
    user.groups.set([Group.objects.get(name=GROUP_NAMES[role])])
    if role != Role.HEADQUARTERS:
        user.user_permissions.clear()
    elif principal.sees_secrets:
        user.user_permissions.set(Permission.objects.filter(SEE_SECRET) if secrets else ())


@transaction.atomic
def set_password(*, user: User, password: str, principal: Principal) -> None:
    """A new, already validated password; sessions and tokens of the old one end. Raises Forbidden."""
    if not may_manage(user=user, principal=principal):
        raise Forbidden
    user.set_password(password)
    user.save(update_fields=["password"])
    AuthToken.objects.filter(user=user).delete()
