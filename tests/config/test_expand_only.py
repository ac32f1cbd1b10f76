"""Migrations since v0.1.0 leave the processes of the release before at work."""

import shutil
import tomllib
from pathlib import Path

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader

from tests.support.expand_only import complaints, complaints_since

BASELINE = tomllib.loads(Path(__file__).with_name("migration_baseline.toml").read_text(encoding="utf-8"))
SHOPS = Path(__file__).parents[2] / "shops" / "migrations"
BAD = """
from django.db import migrations

{reason}

class Migration(migrations.Migration):
    dependencies = [("shops", "{after}")]
    operations = [migrations.RemoveField("shop", "phone")]
"""

EXPAND = {
    "nullable": migrations.AddField("shop", "opened_on", models.DateField(null=True)),
    "filled by the database": migrations.AddField("shop", "floors", models.IntegerField(db_default=1)),
    "many to many": migrations.AddField("shop", "friends", models.ManyToManyField("shops.shop")),
    "a table": migrations.CreateModel("Counter", [("id", models.BigAutoField(primary_key=True)), ("name", models.CharField(max_length=9))]),
    "an index": migrations.AddIndex("shop", models.Index(fields=["name"], name="shop_name")),
    "longer": migrations.AlterField("shop", "phone", models.CharField(max_length=40)),
    "text": migrations.AlterField("shop", "phone", models.TextField()),
    "NULL too": migrations.AlterField("shop", "phone", models.CharField(max_length=20, null=True)),
    "a label": migrations.AlterField("shop", "phone", models.CharField("手机", max_length=20)),
    "rows": migrations.RunPython(migrations.RunPython.noop),
    "only our models": migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("shop", "phone")]),
}
CONTRACT = {
    "a default of Python's": migrations.AddField("shop", "floors", models.IntegerField(default=1)),
    "removed": migrations.RemoveField("shop", "phone"),
    "renamed": migrations.RenameField("shop", "phone", "telephone"),
    "a table gone": migrations.DeleteModel("DeviceNonce"),
    "a table renamed": migrations.RenameModel("Stall", "Counter"),
    "shorter": migrations.AlterField("shop", "phone", models.CharField(max_length=11)),
    "bounded": migrations.AlterField("configvalue", "value", models.TextField(max_length=10)),
    "fewer digits": migrations.AlterField("shop", "area", models.DecimalField(max_digits=9, decimal_places=2)),
    "fewer decimals": migrations.AlterField("shop", "area", models.DecimalField(max_digits=10, decimal_places=1)),
    "no NULL": migrations.AlterField("device", "ip", models.GenericIPAddressField()),
    "unique": migrations.AlterField("shop", "phone", models.CharField(max_length=20, unique=True)),
    "another type": migrations.AlterField("shop", "phone", models.IntegerField()),
    "another column": migrations.AlterField("shop", "phone", models.CharField(max_length=20, db_column="telephone")),
    "a constraint": migrations.AddConstraint("shop", models.CheckConstraint(condition=~models.Q(phone=""), name="shop_has_phone")),
    "SQL": migrations.RunSQL("ALTER TABLE shops_shop DROP COLUMN phone"),
    "behind the models' back": migrations.SeparateDatabaseAndState(database_operations=[migrations.RemoveField("shop", "phone")]),
}


@pytest.fixture(scope="module")
def loader():
    return MigrationLoader(None)


def complaints_about(loader, operation):
    migration = type("Migration", (migrations.Migration,), {"operations": [operation], "__module__": "nowhere"})("0099_new", "shops")
    return list(complaints(migration, loader.project_state(("shops", BASELINE["shops"]))))


def test_every_migration_since_the_baseline_is_expand_only():
    assert complaints_since(BASELINE) == []


def test_the_baseline_names_a_migration_of_every_app_of_ours(loader):
    ours = {app for app in loader.migrated_apps if app in ("retail", "shops", "pricing", "groupbuy")}
    assert set(BASELINE) == ours
    assert {(app, name) for app, name in BASELINE.items()} <= set(loader.graph.nodes)


@pytest.mark.parametrize("operation", EXPAND.values(), ids=EXPAND.keys())
def test_what_expands_passes(loader, operation):
    assert complaints_about(loader, operation) == []


@pytest.mark.parametrize("operation", CONTRACT.values(), ids=CONTRACT.keys())
def test_what_contracts_is_named(loader, operation):
    (complaint,) = complaints_about(loader, operation)
    assert complaint.startswith("shops.0099_new: ")


@pytest.fixture
def write(tmp_path, monkeypatch, settings):
    """Writes one more migration of the shops, in a copy of theirs; a package of its own, since modules are kept."""

    def more(name, reason=""):
        newest = max(path.stem for path in SHOPS.glob("0*.py"))
        shutil.copytree(SHOPS, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        (tmp_path / name / "0099_bad.py").write_text(BAD.format(after=newest, reason=reason), encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        settings.MIGRATION_MODULES = {"shops": name}

    return more


def test_a_bad_migration_on_the_disk_is_found(write):
    write("shops_with_a_bad_one")
    (complaint,) = complaints_since(BASELINE)
    assert complaint == "shops.0099_bad: Remove field phone from shop: old processes still read and write the column"


def test_one_that_says_why_passes(write):
    write("shops_with_a_reason", 'CONTRACTS_BECAUSE = "Nothing has read the column since 0.2.0."')
    assert complaints_since(BASELINE) == []


def test_an_empty_reason_is_none(write):
    write("shops_without_a_reason", 'CONTRACTS_BECAUSE = " "')
    assert len(complaints_since(BASELINE)) == 1
