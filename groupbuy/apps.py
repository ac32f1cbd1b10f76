from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class GroupBuyConfig(AppConfig):
    name = "groupbuy"
    verbose_name = _("社区团购")

    def ready(self) -> None:
        # Imported here because the models are not loaded when this module is.
        from groupbuy.checks import check_money  # noqa: PLC0415

        checks.register(check_money)
