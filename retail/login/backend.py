"""Who a password or a session stands for (``AUTHENTICATION_BACKENDS``); tokens: ``retail.login.tokens``."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from retail.login.passwords import is_published
from retail.models import User


class PeopleBackend(ModelBackend):
    """Django's own, for which people of a tenant that is switched off are nobody, and so is who only knows the demo's password."""

    def authenticate(self, request: HttpRequest | None, username: Any = None, password: Any = None, **named: Any) -> User | None:
        if is_published(password):
            return None
        user: User | None = super().authenticate(request, username, password, **named)
        return user

    def get_user(self, user_id: Any) -> User | None:
        user = User.objects.select_related("tenant").filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None

    def user_can_authenticate(self, user: Any) -> bool:
        return super().user_can_authenticate(user) and user.counts
