"""One file for every installation: what differs comes from the environment (see ``.env.example``)."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env.read_env(env.str("ENV_FILE", str(BASE_DIR / ".env")))


def positive(name: str, default: int) -> int:
    """The whole number ``name`` of the environment; nonsense stops the start."""
    try:
        number: int = env.int(name, default)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {env.str(name)!r}") from error
    if number < 1:
        raise ImproperlyConfigured(f"{name} must be at least 1, not {number}")
    return number


def one_of(name: str, default: str, *choices: str) -> str:
    """The word ``name`` of the environment, one of ``choices``."""
    word: str = env.str(name, default)
    if word not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {word!r}")
    return word


def broker(name: str) -> str:
    """The address ``name`` of a message broker, or empty. A fault never shows it: it carries a password."""
    address: str = env.str(name, "")
    try:
        parts = urlsplit(address)
        is_broker = parts.scheme in ("redis", "rediss", "amqp", "amqps") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_broker = False
    if address and not is_broker:
        raise ImproperlyConfigured(f"{name} must be redis://…, rediss://…, amqp://… or amqps://… with a host (and a port that is a number)")
    return address


def cache_at(address: str) -> dict[str, Any]:
    """The cache at ``CACHE_URL``: this process's memory, or Redis, which makes no request wait long. A fault never shows the address."""
    try:
        parts = urlsplit(address)
        has_ports = all(urlsplit(f"//{server}").port != 0 for server in parts.netloc.split(","))
        is_redis = parts.scheme in ("redis", "rediss", "rediscache") and has_ports and bool(parts.netloc or parts.path.strip("/"))
    except ValueError:
        is_redis = False
    if not (is_redis or address.startswith("locmemcache:")):
        raise ImproperlyConfigured(
            "CACHE_URL must be locmemcache://, or rediscache://… or rediss://… with a host (and a port that is a number)"
        )
    known: dict[str, Any] = env.cache_url_config(address)
    if is_redis:
        options = {"socket_connect_timeout": 0.3, "socket_timeout": 0.3} | known.get("OPTIONS", {})
        known |= {"BACKEND": "retail.shared_cache.SharedCache", "OPTIONS": options, "KEY_PREFIX": known.pop("key_prefix", "")}
    return known


DEBUG = env.bool("DEBUG", False)
DEMO = env.bool("DEMO", False)
SECRET_KEY = env.str("SECRET_KEY", "insecure-only-for-debug" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is not set: copy .env.example to .env and fill it in, or use `make run`.")
# Base64 keys of 32 bytes; the first encrypts, all decrypt, so that a key can be rotated.
ENCRYPTION_KEYS = env.list("ENCRYPTION_KEYS", default=[])
# As browsers spell it: ``HTTPS://`` is https too, and what asks below would not know it.
PUBLIC_BASE_URL = urlsplit(env.str("PUBLIC_BASE_URL", "http://127.0.0.1:8000").strip()).geturl().rstrip("/")
PUBLIC_HOST = urlsplit(PUBLIC_BASE_URL).hostname or ""
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", f"[{PUBLIC_HOST}]" if ":" in PUBLIC_HOST else PUBLIC_HOST])
CSRF_TRUSTED_ORIGINS = [PUBLIC_BASE_URL]
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0)
# Of a server process. Half of them may wait for WeChat (``retail.slow_servers``).
SERVER_THREADS = positive("SERVER_THREADS", 4)

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "retail.apps.BackOfficeConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "axes",
    "csp",
    "retail",
    "shops",
    "pricing",
    "groupbuy",
    "config",
]

MIDDLEWARE = [
    "retail.logs.request_log.RequestLog",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "retail.wire.middleware.BodyLimit",
    "retail.wire.gate.Gate",
    "retail.wire.middleware.WireMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Database: SQLite is the embedded default, PostgreSQL is production -----------------------------------------
DATABASES = {"default": env.db_url("DATABASE_URL", f"sqlite:///{BASE_DIR / 'var' / 'xiantuan.sqlite3'}")}
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", 60)
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["ENGINE"] = "retail.database.sqlite"
    DATABASES["default"]["OPTIONS"] = {
        # A writer takes its lock when the transaction begins: no deadlock on upgrading a read lock.
        "transaction_mode": "IMMEDIATE",
        "timeout": 5,
        # FULL: what was answered is on the disk, as on PostgreSQL; NORMAL forgets the last orders when the power fails.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
else:
    if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
        DATABASES["default"]["ENGINE"] = "retail.database.postgresql"
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["OPTIONS"] = {
        "options": "-c lock_timeout=3000 -c timezone=UTC",
        # A statement that comes again is planned once in a connection, not each time.
        "server_side_binding": True,
        "prepare_threshold": 5,
    }
# Free on the disk of SQLite's file: with less `/healthz/ready` says no, while there is still room for what is at work.
SQLITE_ROOM_MB = positive("SQLITE_ROOM_MB", 32)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": cache_at(env.str("CACHE_URL", "") or "locmemcache://")}
# Empty: `manage.py work` runs the background jobs; else Celery does (``config/celery.py``).
CELERY_BROKER_URL = broker("CELERY_BROKER_URL")
CELERY_QUEUE = env.str("CELERY_QUEUE", "") or "xiantuan"

# --- People ----------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "retail.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "retail.login.backend.PeopleBackend",
    # Sessions from before 0.1.0: a visitor has nothing else that leads to the pick-up code.
    "retail.people.PeopleBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "retail.login.passwords.GuessablePasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_CALLABLE = "retail.login.lockouts.locked_out"
AXES_USERNAME_CALLABLE = "retail.login.lockouts.username_of"
AXES_CLIENT_IP_CALLABLE = "retail.logs.client_ip.client_ip"
REST_KNOX = {"TOKEN_TTL": timedelta(hours=12), "AUTH_HEADER_PREFIX": "Bearer"}
DEFAULT_TENANT = env.str("DEFAULT_TENANT", "demo" if DEMO else "")

# --- Money -----------------------------------------------------------------------------------------------------
PAY_WINDOW_MINUTES = positive("PAY_WINDOW_MINUTES", 15)
LOGIN_PROVIDER = one_of("LOGIN_PROVIDER", "sandbox" if DEMO or DEBUG else "wechat", "sandbox", "wechat")
PAYMENT_GATEWAY = one_of("PAYMENT_GATEWAY", "sandbox" if DEMO or DEBUG else "wechat", "sandbox", "wechat")
PREPAY_PREFIX = env.bool("PREPAY_PREFIX", False)
WECHAT_APP_ID = env.str("WECHAT_APP_ID", "")
WECHAT_APP_SECRET = env.str("WECHAT_APP_SECRET", "")
WECHAT_MCH_ID = env.str("WECHAT_MCH_ID", "")
WECHAT_MCH_CERT_SERIAL = env.str("WECHAT_MCH_CERT_SERIAL", "")
WECHAT_MCH_PRIVATE_KEY_FILE = env.str("WECHAT_MCH_PRIVATE_KEY_FILE", "")
WECHAT_PAY_API_V3_KEY = env.str("WECHAT_PAY_API_V3_KEY", "")
WECHAT_PAY_PUBLIC_KEY_FILE = env.str("WECHAT_PAY_PUBLIC_KEY_FILE", "")
WECHAT_PAY_PUBLIC_KEY_ID = env.str("WECHAT_PAY_PUBLIC_KEY_ID", "")
WECHAT_PAY_BASE_URL = env.str("WECHAT_PAY_BASE_URL", "https://api.mch.weixin.qq.com")
WECHAT_API_BASE_URL = env.str("WECHAT_API_BASE_URL", "https://api.weixin.qq.com")
# To connect, to wait for bytes, for all gateway calls of one request together, and for a day's bill.
GATEWAY_SECONDS = {"connect": 3.0, "read": 6.0, "request": 8.0, "bill": 60.0}

# --- The API ---------------------------------------------------------------------------------------------------
API_ERRORS = one_of("API_ERRORS", "http", "http", "legacy")
API_THROTTLES = env.bool("API_THROTTLES", True)
THROTTLES_PER_MINUTE = {
    name: positive(f"THROTTLE_{name.upper()}", rate)
    for name, rate in {
        "address": 3000,
        "login_failure": 10,
        "activation_failure": 5,
        "buyer_order": 6,
        "buyer_pay": 10,
        "buyer_check": 30,
        "buyer_list": 60,
        "staff_write": 120,
        "device": 600,
    }.items()
}
SHOP_UPDATE_PRICES = env.bool("SHOP_UPDATE_PRICES", False)
FEED_SIZE = min(positive("FEED_SIZE", 50), 500)
PAGE_SIZE = 20
PAGE_SIZE_MAX = {"public": 200, "trade": 1000, "shop_products": 5000}
# Before the body is read (``retail/wire/body_limits.py``); the API's, once it is known who calls, after it too.
BODY_MAX = {"notification": 64 * 1024, "public": 256 * 1024, "trade": 8 * 1024 * 1024, "staff_page": 16 * 1024 * 1024}
LIST_MAX = {"public": 1000, "trade": 20_000}
DATA_UPLOAD_MAX_MEMORY_SIZE = BODY_MAX["trade"]
# A form with the longest list, and what else it holds.
DATA_UPLOAD_MAX_NUMBER_FIELDS = LIST_MAX["trade"] + 1000
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "shops.authentication.DeviceAuthentication",
        "retail.login.tokens.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["retail.wire.renderers.WireRenderer"],
    "DEFAULT_PARSER_CLASSES": ["retail.wire.parser.Unread"],
    "DEFAULT_SCHEMA_CLASS": "config.schema.WireSchema",
    "EXCEPTION_HANDLER": "retail.wire.errors.answer_refusal",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "鲜团 API",
    "TAGS": [
        {"name": "groupbuy", "description": "团购、订单与支付"},
        {"name": "shop", "description": "门店、终端与配置"},
        {"name": "shopproduct", "description": "门店商品、价格与下载"},
        {"name": "auth", "description": "登录"},
    ],
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_AUTHENTICATION": [],
}

# --- Transport and browser -------------------------------------------------------------------------------------
HTTPS = PUBLIC_BASE_URL.startswith("https://")
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", HTTPS)
SECURE_REDIRECT_EXEMPT = [r"^healthz/"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 31_536_000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
CSRF_FAILURE_VIEW = "retail.views.csrf_failure"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
# Staff sessions: idle, and from the login on.
STAFF_SESSION_IDLE = timedelta(minutes=positive("STAFF_SESSION_IDLE_MINUTES", 240))
STAFF_SESSION_MAX = timedelta(hours=positive("STAFF_SESSION_MAX_HOURS", 14))
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:", "https://*.qlogo.cn"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
    },
}

# --- Language, time, files -------------------------------------------------------------------------------------
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("简体中文")), ("en", _("英文"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "config.formats"
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.str("STATIC_ROOT", str(BASE_DIR / "staticfiles")))
MEDIA_URL = "/media/"
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", str(BASE_DIR / "media")))
STORAGES = {
    "default": {"BACKEND": "retail.pictures.PictureStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- The admin -------------------------------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": _("鲜团 · 门店管理"),
    "SITE_HEADER": _("鲜团"),
    "SITE_SUBHEADER": _("门店管理后台"),
    "SITE_SYMBOL": "storefront",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "retail.backoffice.branding.favicon"}],
    "STYLES": ["retail.backoffice.branding.stylesheet"],
    "THEME": None,
    "BORDER_RADIUS": "8px",
    "SHOW_BACK_BUTTON": True,
    "ENVIRONMENT": "retail.backoffice.branding.environment",
    "DASHBOARD_CALLBACK": "groupbuy.admin.dashboard.figures",
    "SIDEBAR": {"navigation": "config.menu.navigation"},
    # Green 700 is the lightest that can be read as text on white.
    "COLORS": {
        "primary": {
            "50": "#f0fdf4",
            "100": "#dcfce7",
            "200": "#bbf7d0",
            "300": "#86efac",
            "400": "#4ade80",
            "500": "#22a355",
            "600": "#15803d",
            "700": "#166534",
            "800": "#14532d",
            "900": "#0f3d22",
            "950": "#052e16",
        },
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "retail.logs.json_lines.JsonLines", "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "INFO")},
    "loggers": {
        # All goes to the one handler above.
        "django": {"handlers": []},
        # What it says below a crash stands in the access log, without the address.
        "django.request": {"level": "ERROR"},
        # Its line holds the page that the browser came from; ours (retail.views.csrf_failure) doesn't.
        "django.security.csrf": {"level": "ERROR"},
        # An address that isn't ours has the host's name in its line of the access log; here it stands with a traceback, and veiled.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        # It tells what was typed for a name, which may be a password; retail.login.lockouts tells whose account it was.
        "axes": {"level": "CRITICAL"},
        # Its lines, warnings too, hold the URLs of the mini-program's calls, and these the app secret.
        "urllib3": {"level": "CRITICAL"},
        # A line each for every tick that is sent, received and done, four times a second; the jobs say themselves what they did.
        **dict.fromkeys(["celery.beat", "celery.worker.strategy", "celery.app.trace"], {"level": "WARNING"}),
    },
}
