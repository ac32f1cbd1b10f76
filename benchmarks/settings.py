"""The product's own settings, with the yardsticks beside its addresses."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.urls"
# A visitor of a browser can order where the pretended bank takes the money: nobody pays here.
PAYMENT_GATEWAY = "sandbox"
SILENCED_SYSTEM_CHECKS = ["groupbuy.E001", "groupbuy.W001", "groupbuy.W002", "retail.W001"]
