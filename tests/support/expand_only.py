"""Which operations of a migration would break the processes of the release before, that still run while it is applied."""

import sys
from collections.abc import Iterator
from typing import Any

from django.db import models
from django.db.migrations import operations as ops
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models.fields import NOT_PROVIDED

# A module's constant that says why it takes something away all the same.
REASON = "CONTRACTS_BECAUSE"
GONE = {
    ops.RemoveField: "old processes still read and write the column",
    ops.RenameField: "old processes know the old name",
    ops.DeleteModel: "old processes still read and write the table",
    ops.RenameModel: "old processes know the old name",
    ops.AlterModelTable: "old processes know the old name",
    ops.AlterUniqueTogether: "old processes may write what it refuses; a UniqueConstraint can be read here",
    ops.AlterIndexTogether: "an Index can be read here",
    ops.AlterOrderWithRespectTo: "it adds a column that old processes don't fill",
    ops.RunSQL: "nobody can read here what SQL does",
}
HARMLESS = (
    ops.CreateModel,
    ops.AddIndex,
    ops.RemoveIndex,
    ops.RenameIndex,
    ops.RemoveConstraint,
    ops.AlterModelOptions,
    ops.AlterModelManagers,
    ops.AlterModelTableComment,
    ops.RunPython,
)
WIDER = {
    ("CharField", "TextField"),
    ("SmallIntegerField", "IntegerField"),
    ("SmallIntegerField", "BigIntegerField"),
    ("IntegerField", "BigIntegerField"),
    ("PositiveSmallIntegerField", "PositiveIntegerField"),
    ("PositiveIntegerField", "PositiveBigIntegerField"),
}


def complaints_since(baseline: dict[str, str]) -> list[str]:
    """Of every migration that comes after the one that ``baseline`` names for its app."""
    loader = MigrationLoader(None)
    old = {node for app, name in baseline.items() for node in loader.graph.forwards_plan((app, name))}
    newer = [key for key in loader.graph.nodes if key[0] in baseline and key not in old]
    return [complaint for key in sorted(newer) for complaint in complaints(loader.get_migration(*key), before(loader, key))]


def before(loader: MigrationLoader, key: tuple[str, str]) -> ProjectState:
    state: ProjectState = loader.project_state(key, at_end=False)
    return state


def complaints(migration: Migration, state: ProjectState) -> Iterator[str]:
    """One sentence for each operation that contracts, unless the module says why. ``state``: before the migration."""
    if str(getattr(sys.modules.get(type(migration).__module__), REASON, "")).strip():
        return
    made: set[str] = set()
    for operation in flat(migration.operations):
        reason = reason_against(operation, migration.app_label, state, made)
        if reason:
            yield f"{migration.app_label}.{migration.name}: {operation.describe()}: {reason}"
        if isinstance(operation, ops.CreateModel):
            made.add(operation.name_lower)
        operation.state_forwards(migration.app_label, state)


def flat(operations: list[Operation]) -> Iterator[Operation]:
    """What is done to the database, and what only our models are told."""
    for operation in operations:
        if isinstance(operation, ops.SeparateDatabaseAndState):
            yield from flat(operation.database_operations)
        else:
            yield operation


def reason_against(operation: Any, app: str, state: ProjectState, made: set[str]) -> str:
    if getattr(operation, "model_name_lower", getattr(operation, "model_name", "").lower()) in made:
        # No old process knows the table.
        return ""
    if isinstance(operation, ops.AddField):
        return "" if fills_itself(operation.field) else "old processes insert rows without it: make it nullable or give it a db_default"
    if isinstance(operation, ops.AlterField):
        return narrowed(state.models[app, operation.model_name_lower].fields[operation.name], operation.field)
    if isinstance(operation, ops.AddConstraint):
        return "old processes may write what it refuses"
    if isinstance(operation, HARMLESS):
        return ""
    return GONE.get(type(operation), "nobody has said yet whether it only expands")


def fills_itself(field: Any) -> bool:
    return bool(field.null or field.many_to_many or field.db_default is not NOT_PROVIDED)


def narrowed(old: models.Field, new: models.Field) -> str:
    """Why what fitted the ``old`` column doesn't fit the ``new`` one."""
    found = {
        "it takes no NULL any more": old.null and not new.null,
        "the database fills it in no more": fills_itself(old) and not fills_itself(new),
        "it takes no value twice any more": new.unique and not old.unique,
        "it is another column": old.db_column != new.db_column,
        "it is of another type": not fits(old, new),
        "it is shorter": shorter(old, new),
    }
    return "; ".join(reason for reason, is_so in found.items() if is_so)


def fits(old: models.Field, new: models.Field) -> bool:
    kinds = (old.get_internal_type(), new.get_internal_type())
    same_relation = getattr(old.remote_field, "model", None) == getattr(new.remote_field, "model", None)
    return kinds in WIDER or (kinds[0] == kinds[1] and same_relation)


def shorter(old: Any, new: Any) -> bool:
    def whole(field: Any) -> float:
        return (field.max_digits or 0) - (field.decimal_places or 0)

    if isinstance(old, models.DecimalField) and isinstance(new, models.DecimalField):
        return whole(new) < whole(old) or new.decimal_places < old.decimal_places
    return new.max_length is not None and (old.max_length is None or new.max_length < old.max_length)
