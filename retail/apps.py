from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.contrib.auth.signals import user_login_failed
from django.core import checks
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from retail.checks import check_installation


class RetailConfig(AppConfig):
    name = "retail"
    verbose_name = _("零售基础")

    def ready(self) -> None:
        checks.register(check_installation)
        # Not at the top: its models can't be imported before the apps are ready.
        user_login_failed.connect(import_string("retail.login.lockouts.note_failed_log_in"))


class BackOfficeConfig(admin_apps.AdminConfig):
    """Django's admin with our site in the place of its own."""

    default = False
    default_site = "retail.backoffice.site.BackOffice"
