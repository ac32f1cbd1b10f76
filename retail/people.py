"""Who a password or a session stands for (``AUTHENTICATION_BACKENDS``); tokens: ``retail.bearer``."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from retail.models import User


class PeopleBackend(ModelBackend):
    """Django's own, for which people of a tenant that is switched off are nobody."""

    def get_user(self, user_id: Any) -> User | None:
        user = User.objects.select_related("tenant").filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None

    def user_can_authenticate(self, user: Any) -> bool:
        return super().user_can_authenticate(user) and user.counts
