"""The page where staff change the own password: the theme's, through our service."""

from typing import Any

from django.contrib.auth.views import PasswordChangeView
from django.http import HttpResponse
from django.utils.translation import gettext as _

from retail.backoffice import theme
from retail.backoffice.asking import record
from retail.login import staff_accounts
from retail.models import User
from retail.principals import principal_of


class OwnPasswordForm(theme.AdminOwnPasswordChangeForm):  # type: ignore[misc]
    def save(self, commit: bool = True) -> User:
        user: User = self.user
        staff_accounts.set_password(user=user, password=self.cleaned_data["new_password1"], principal=principal_of(user))
        return user


class OwnPassword(PasswordChangeView):
    form_class = OwnPasswordForm

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        record(self.request, [form.user], _("已修改自己的密码"))
        return response
