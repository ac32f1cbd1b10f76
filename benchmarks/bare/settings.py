"""As bare as Django gets; the server's own threads are the product's."""

from config.settings import SERVER_THREADS  # noqa: F401

SECRET_KEY = "bare"  # noqa: S105  # nothing is signed
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "benchmarks.bare.urls"
MIDDLEWARE: list[str] = []
USE_TZ = True
