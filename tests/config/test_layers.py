"""Who may import whom, as `make lint` checks it: it must see an import that goes up, also of a module that no contract names."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

APPS = ("retail", "shops", "pricing", "groupbuy", "config")
UPWARDS = {
    "groupbuy.payments.short_delivery": "groupbuy.api.serializers",
    "groupbuy.payments.by_hand": "groupbuy.storefront.views",
    "groupbuy.api.serializers": "groupbuy.orders",
    "groupbuy.moves": "groupbuy.admin.forms",
    "groupbuy.models.orders": "groupbuy.stock",
    "groupbuy.orders": "pricing.models",
    "pricing.market.files": "groupbuy.models",
    "pricing.downloads": "pricing.admin",
    "shops.devices": "groupbuy.orders",
    "shops.licences": "pricing.models",
    "retail.outbox": "groupbuy.notices.messages",
    "retail.principals": "retail.wire",
    "retail.newcomer": "retail.api",
    "shops.scale": "config.roles",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> str:
    """What the linter says of a copy with all of them."""
    copy = tmp_path_factory.mktemp("layers")
    for app in APPS:
        shutil.copytree(settings.BASE_DIR / app, copy / app, ignore=shutil.ignore_patterns("__pycache__", "*.webp"))
    shutil.copy(settings.BASE_DIR / "pyproject.toml", copy)
    for importer, imported in UPWARDS.items():
        with copy.joinpath(*importer.split(".")).with_suffix(".py").open("a") as file:
            file.write(f"\nimport {imported}\n")
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([linter, "--no-cache"], cwd=copy, stdout=subprocess.PIPE, text=True, check=False).stdout


@pytest.mark.parametrize("importer", UPWARDS)
def test_an_import_upwards_is_seen(found, importer):
    assert f"{importer} -> {UPWARDS[importer]}" in found
