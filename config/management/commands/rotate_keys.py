"""The last step of a rotation of ENCRYPTION_KEYS: afterwards the old keys can go."""

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand
from django.db import transaction
from django.db.models import Model

from retail.database.encrypted_field import EncryptedTextField


class Command(BaseCommand):
    help = "Encrypt every stored secret anew with the first of ENCRYPTION_KEYS. Safe while the site runs, and to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        for model in apps.get_models():
            names = [field.name for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)]
            if names:
                self.stdout.write(f"{model._meta.label}: {encrypt_anew(model, names)} rows")


def encrypt_anew(model: type[Model], names: list[str]) -> int:
    """Row by row, each read under its lock: a secret that is being changed meanwhile isn't put back."""
    keys = list(model._default_manager.order_by("pk").values_list("pk", flat=True))
    for key in keys:
        with transaction.atomic():
            row = model._default_manager.select_for_update().filter(pk=key).first()
            if row is not None:
                row.save(update_fields=names)
    return len(keys)
