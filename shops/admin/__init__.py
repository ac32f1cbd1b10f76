"""The back office of shops: registered by being imported."""

from shops.admin import devices, shops, staff, terms

__all__ = ["devices", "shops", "staff", "terms"]
