"""The admin of group buys, their orders and their money."""

from groupbuy.admin import dashboard, group_buyings, merchants, orders, payments, pick_up, visits

__all__ = ["dashboard", "group_buyings", "merchants", "orders", "payments", "pick_up", "visits"]
