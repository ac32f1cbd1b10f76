"""The product's own settings, with the yardsticks beside its addresses."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.urls"
# Nobody pays here, and the load is wanted.
SILENCED_SYSTEM_CHECKS = ["groupbuy.W001", "retail.W001"]
