from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class ShopsConfig(AppConfig):
    name = "shops"
    verbose_name = _("门店与设备")

    def ready(self) -> None:
        # Imported here because the models are not loaded when this module is; the schema registers itself.
        from shops import configuration, devices, schema  # noqa: F401, PLC0415

        post_migrate.connect(configuration.ensure_items, sender=self)
        post_migrate.connect(devices.ensure_types, sender=self)
