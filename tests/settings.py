"""The project's settings under the environment that the tests need; a developer's own ``.env`` has no say."""

import os
import tempfile
import uuid

os.environ.update(
    ENV_FILE=os.devnull,
    SECRET_KEY="only-for-tests",
    ENCRYPTION_KEYS="",
    DEBUG="off",
    DEMO="on",
    PUBLIC_BASE_URL="http://127.0.0.1:8000",
    LOGIN_PROVIDER="sandbox",
    PAYMENT_GATEWAY="sandbox",
    API_THROTTLES="off",
    CACHE_URL="",
    CELERY_BROKER_URL="",
    CELERY_QUEUE=f"xiantuan-test-{uuid.uuid4().hex}",
    DATABASE_URL=os.environ.get("TEST_DATABASE_URL", "") or f"sqlite:///{tempfile.mkdtemp(prefix='xiantuan-')}/test.sqlite3",
    MEDIA_ROOT=tempfile.mkdtemp(prefix="xiantuan-media-"),
)

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if DATABASES["default"]["ENGINE"] == "retail.database.sqlite":  # noqa: F405
    # A file, not memory: the tests of races need several connections.
    DATABASES["default"]["TEST"] = {"NAME": f"{DATABASES['default']['NAME']}.test"}  # noqa: F405
    # A killed process loses nothing by it, and no test cuts the power.
    DATABASES["default"]["OPTIONS"]["init_command"] += " PRAGMA synchronous=OFF;"  # noqa: F405
