import pytest
from django.contrib.auth.models import Group, Permission

from config import roles
from retail import rights
from retail.rights import GROUP_NAMES, Role


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
