"""What a database that is being migrated has got already."""

from django.apps.registry import Apps
from django.db.models import Model


def are_there(apps: Apps, *models: type[Model]) -> bool:
    """Whether a database in the state of ``apps``, which ``post_migrate`` tells, has the tables of ``models`` as they are now."""
    try:
        return all(columns(apps.get_model(model._meta.label)) == columns(model) for model in models)
    except LookupError:
        return False


def columns(model: type[Model]) -> set[str | None]:
    return {field.column for field in model._meta.concrete_fields}
