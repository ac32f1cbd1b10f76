"""The staff groups get the permissions of ``retail.rights`` after every ``migrate``."""

from typing import Any

from django.apps import apps as installed
from django.apps.registry import Apps
from django.contrib.auth.models import Group, Permission
from django.db.models import Q

from retail.database import tables
from retail.rights import GROUP_NAMES, permissions_of

# Granted by earlier versions of the table.
WITHDRAWN = Q(content_type__app_label="shops", codename="add_licence")


def apply_roles(apps: Apps = installed, **_: Any) -> None:
    """Bring the three groups in line with the table; permissions that a person added (``see_secret``) stay."""
    if not tables.are_there(apps, Group, Permission):
        return
    for role, name in GROUP_NAMES.items():
        group, _created = Group.objects.get_or_create(name=name)
        wanted = Q(pk__in=[])
        for codename in permissions_of(role):
            app_label, name_of_permission = codename.split(".")
            wanted |= Q(content_type__app_label=app_label, codename=name_of_permission)
        group.permissions.add(*Permission.objects.filter(wanted))
        group.permissions.remove(*Permission.objects.filter(WITHDRAWN))
