"""Secrets at rest: unreadable in the database, and their keys can be changed."""

from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection, models

from groupbuy.models import MerchantAccount
from retail.database.encrypted_field import EncryptedTextField
from retail.models import AppSecret
from shops.models import Shop
from tests.support import factories

pytestmark = pytest.mark.django_db
OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


def stored(model: type[models.Model], column: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {model._meta.db_table}")  # noqa: S608 - names of our own
        (row,) = cursor.fetchall()
    return row[0]


@pytest.fixture
def secrets(settings, tenant) -> dict[tuple[type[models.Model], str], str]:
    """One row with every secret that is stored."""
    settings.ENCRYPTION_KEYS = [OLD]
    factories.ShopFactory(tenant=tenant, app_secret="sk_plain_1", previous_secret="sk_plain_2")
    AppSecret.objects.create(tenant=tenant, value="app-plain-3")
    account = {"mch_id": "1900000009", "cert_serial": "A", "public_key_id": "PUB_KEY_ID_1", "public_key": "public"}
    MerchantAccount.objects.create(tenant=tenant, private_key="key-plain-4", api_v3_key="v3-plain-5", **account)
    return {
        (Shop, "app_secret"): "sk_plain_1",
        (Shop, "previous_secret"): "sk_plain_2",
        (AppSecret, "value"): "app-plain-3",
        (MerchantAccount, "private_key"): "key-plain-4",
        (MerchantAccount, "api_v3_key"): "v3-plain-5",
    }


def read_back(secrets) -> list[str]:
    return [model.objects.values_list(name, flat=True).get() for model, name in secrets]


def test_no_secret_stands_in_the_database_as_it_is(secrets):
    assert set(secrets) == {
        (model, field.name) for model in apps.get_models() for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)
    }
    for (model, name), secret in secrets.items():
        assert secret not in stored(model, name)
        assert Fernet(OLD).decrypt(stored(model, name).encode()).decode() == secret


def test_a_new_key_in_front_reads_the_old_secrets_and_rotating_frees_the_old_key(secrets, settings):
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert read_back(secrets) == list(secrets.values())
    call_command("rotate_keys", stdout=StringIO())
    settings.ENCRYPTION_KEYS = [NEW]
    assert read_back(secrets) == list(secrets.values())


def test_without_its_key_a_secret_is_not_readable(secrets, settings):
    settings.ENCRYPTION_KEYS = [NEW]
    with pytest.raises(ImproperlyConfigured):
        read_back(secrets)
