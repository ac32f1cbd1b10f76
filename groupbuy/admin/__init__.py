"""The admin of group buys, their orders and their money."""

from groupbuy.admin import bills, dashboard, group_buyings, merchants, notices, orders, outbox, payments, pick_up, visits

__all__ = ["bills", "dashboard", "group_buyings", "merchants", "notices", "orders", "outbox", "payments", "pick_up", "visits"]
