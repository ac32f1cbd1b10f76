from io import StringIO

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from config import roles
from retail import rights
from retail.models import User
from retail.principals import Principal
from retail.rights import GROUP_NAMES, Right, Role


@pytest.mark.django_db
@pytest.mark.parametrize("role", GROUP_NAMES)
def test_each_staff_group_has_exactly_the_permissions_of_the_table(role):
    group = Group.objects.get(name=GROUP_NAMES[role])
    granted = {f"{p.content_type.app_label}.{p.codename}" for p in group.permissions.select_related("content_type")}
    assert granted == rights.permissions_of(Role(role))


@pytest.mark.django_db
def test_what_the_table_grants_no_more_is_taken_back_and_what_a_person_added_stays():
    group = Group.objects.get(name=GROUP_NAMES[Role.HEADQUARTERS])
    group.permissions.add(*Permission.objects.filter(codename__in=("add_licence", "see_secret")))
    roles.apply_roles()
    assert set(group.permissions.filter(codename__in=("add_licence", "see_secret")).values_list("codename", flat=True)) == {"see_secret"}


def test_the_document_of_roles_is_what_the_table_says():
    assert (settings.BASE_DIR / "docs" / "roles.md").read_text() == printed("roles"), "manage.py roles > docs/roles.md"


def printed(command: str) -> str:
    out = StringIO()
    call_command(command, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("right", Right)
def test_only_its_holders_may(right, role):
    assert Principal(role, User(is_superuser=True)).may(right) == (role in right.holders)


def test_a_personal_right_is_no_rights_of_the_role_alone():
    assert not Principal(Role.HEADQUARTERS, None).may(Right.SEE_APP_SECRETS)
