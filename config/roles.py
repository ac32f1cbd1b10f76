"""The permissions of the staff groups: one table, applied after every ``migrate``."""

from typing import Any

from django.apps import apps as installed
from django.apps.registry import Apps
from django.contrib.auth.models import Group, Permission
from django.db.models import Q

from retail.database import tables
from retail.principals import GROUP_NAMES, Role

READ = ("view",)
EDIT = ("view", "add", "change")
WHOLE = ("view", "add", "change", "delete")

CLERK = {
    "retail.product": READ,
    "retail.productclass": READ,
    "shops.shop": READ,
    "shops.device": READ,
    "pricing.shopproduct": READ,
    "pricing.stockfigure": READ,
    "groupbuy.groupbuying": READ,
    "groupbuy.order": EDIT,
    "groupbuy.orderevent": READ,
}
MANAGER = CLERK | {
    "retail.outboxentry": READ,
    "shops.shop": ("view", "change"),
    "shops.stall": EDIT,
    "shops.device": EDIT,
    "shops.licence": READ,
    "shops.configvalue": WHOLE,
    "pricing.shopproduct": EDIT,
    "pricing.stockfigure": EDIT,
    "pricing.pricechange": READ,
    "pricing.pricelog": READ,
    "pricing.marketprice": READ,
    "groupbuy.groupbuying": EDIT,
    "groupbuy.groupbuyingimage": WHOLE,
    "groupbuy.payment": READ,
    "groupbuy.refund": READ,
    "groupbuy.share": READ,
    "groupbuy.visitor": READ,
}
HEADQUARTERS = MANAGER | {
    "retail.user": EDIT,
    "retail.product": EDIT,
    "retail.productclass": EDIT,
    "retail.productimage": WHOLE,
    "shops.shop": EDIT,
    # The machine that a key is bound to; until when, the platform alone says (``shops.licences``).
    "shops.licence": ("view", "change"),
    "groupbuy.paymentevent": READ,
    "groupbuy.bill": READ,
    "groupbuy.billdifference": READ,
    "groupbuy.merchantaccount": EDIT,
    "admin.logentry": READ,
}
# Granted by earlier versions of the table.
WITHDRAWN = Q(content_type__app_label="shops", codename="add_licence")
TABLE: dict[Role, dict[str, tuple[str, ...]]] = {Role.CLERK: CLERK, Role.MANAGER: MANAGER, Role.HEADQUARTERS: HEADQUARTERS}


def codenames(role: Role) -> set[str]:
    """``app.action_model`` of everything that ``role`` may do in the admin."""
    return {f"{label.split('.')[0]}.{action}_{label.split('.')[1]}" for label, actions in TABLE[role].items() for action in actions}


def apply_roles(apps: Apps = installed, **_: Any) -> None:
    """Bring the three groups in line with the table; permissions that a person added (``see_secret``) stay."""
    if not tables.are_there(apps, Group, Permission):
        return
    for role, name in GROUP_NAMES.items():
        group, _created = Group.objects.get_or_create(name=name)
        wanted = Q(pk__in=[])
        for codename in codenames(role):
            app_label, name_of_permission = codename.split(".")
            wanted |= Q(content_type__app_label=app_label, codename=name_of_permission)
        group.permissions.add(*Permission.objects.filter(wanted))
        group.permissions.remove(*Permission.objects.filter(WITHDRAWN))
