"""Forms of the shared core."""

from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.utils.translation import gettext_lazy as _

from retail.models import User
from retail.wire.ids import is_id

PASSWORD = forms.PasswordInput(attrs={"autocomplete": "new-password"})


class NumberField(forms.DecimalField):
    """A number that can be compared: whether a field changed is asked before it is validated, and ``sNaN`` raises at that."""

    def to_python(self, value: Any) -> Any:
        number = super().to_python(value)
        if number is not None and not number.is_finite():
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return number


class RowsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Several rows by their ids. Django's asks the database for numbers that it can't hold."""

    def clean(self, value: Any) -> Any:
        for one in value or ():
            if not is_id(str(one)):
                raise forms.ValidationError(self.error_messages["invalid_pk_value"], code="invalid_pk_value", params={"pk": one})
        return super().clean(value)


class PasswordForm(forms.Form):
    """A new password, twice, checked against the installation's rules."""

    password = forms.CharField(label=_("新密码"), strip=False, widget=PASSWORD, help_text=_("至少 12 位，不能太容易猜到。"))
    again = forms.CharField(label=_("再输一次"), strip=False, widget=PASSWORD)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        password_validation.validate_password(password, self.user)
        return password

    def clean_again(self) -> str:
        again: str = self.cleaned_data["again"]
        if again != self.cleaned_data.get("password", again):
            raise forms.ValidationError(_("两次输入的密码不一致"))
        return again

    def clean(self) -> dict[str, Any]:
        """The password alone goes on to the service."""
        return {name: value for name, value in self.cleaned_data.items() if name != "again"}
