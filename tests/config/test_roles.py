import pytest
from django.contrib.auth.models import Group

from config import roles
from retail.principals import GROUP_NAMES, Role


@pytest.mark.django_db
@pytest.mark.parametrize("role", GROUP_NAMES)
def test_each_staff_group_has_exactly_the_permissions_of_the_table(role):
    group = Group.objects.get(name=GROUP_NAMES[role])
    granted = {f"{p.content_type.app_label}.{p.codename}" for p in group.permissions.select_related("content_type")}
    assert granted == roles.codenames(Role(role))
