"""Tenants, people, the catalogue and the outbox: what every other app stands on."""

from retail.models.catalogue import (
    PricingType,
    Product,
    ProductClass,
    ProductClassQuerySet,
    ProductImage,
    ProductQuerySet,
    Storage,
    pinyin_initials,
)
from retail.models.outbox import UNSENT, OutboxEntry, OutboxEntryQuerySet, OutboxState
from retail.models.people import User, UserManager, UserQuerySet, WeChatIdentity
from retail.models.tenants import AppSecret, Tenant, is_code

__all__ = [
    "AppSecret",
    "OutboxEntry",
    "OutboxEntryQuerySet",
    "OutboxState",
    "PricingType",
    "Product",
    "ProductClass",
    "ProductClassQuerySet",
    "ProductImage",
    "ProductQuerySet",
    "Storage",
    "Tenant",
    "UNSENT",
    "User",
    "UserManager",
    "UserQuerySet",
    "WeChatIdentity",
    "is_code",
    "pinyin_initials",
]
