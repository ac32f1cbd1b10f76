from django.apps import AppConfig, apps
from django.core import checks
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from config.start import START


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = _("系统")

    def ready(self) -> None:
        # Imported here because the models are not loaded when this module is.
        from config.checks import check_data  # noqa: PLC0415
        from config.roles import apply_roles  # noqa: PLC0415

        checks.register(check_data, START, deploy=True)
        # The last app with models: by then every permission is there.
        post_migrate.connect(apply_roles, sender=apps.get_app_config("groupbuy"))
