"""``manage.py roles``: who may do what, as a document."""

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand
from django.utils import translation

from retail.rights import PLATFORM, ROWS, STAFF_ROLES, Right, Role

HEAD = """# 角色与权限 · Roles and rights

本页由 `manage.py roles > docs/roles.md` 从 `retail/rights.py` 生成，请勿手工修改。
✓：有此权限；○：还须单独授予。每个角色只在自己的范围内行使：顾客限自己的订单，店员和店长限所属门店，总部限本商家，设备限本门店。

This page is printed from `retail/rights.py`; a test compares the two. ✓ has the right, ○ needs a personal grant besides.
Each role acts within its own scope: own orders, own shops, own tenant.
"""
ACTIONS = {"view": "查看", "add": "新增", "change": "修改", "delete": "删除"}


class Command(BaseCommand):
    help = "Print the table of roles and rights as Markdown."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override("zh-hans"):
            self.stdout.write("\n".join([HEAD, *rights(), "", *rows()]))


def rights() -> list[str]:
    head = ["| 权限 | Right | " + " | ".join(str(role.label) for role in Role) + " |", "|---|---|" + ":-:|" * len(Role)]
    lines = [f"| {right.label} | `{right.name}` | " + " | ".join(mark(right, role) for role in Role) + " |" for right in Right]
    return ["## 能做什么", "", *head, *lines]


def mark(right: Right, role: Role) -> str:
    if role not in right.holders:
        return ""
    return "○" if right.permission and role not in PLATFORM else "✓"


def rows() -> list[str]:
    """Of the back office; the platform sees and writes all of them."""
    labels = sorted(set().union(*ROWS.values()))
    head = ["| 后台列表 | Model | " + " | ".join(str(role.label) for role in STAFF_ROLES) + " |", "|---|---|" + "---|" * len(STAFF_ROLES)]
    lines = [
        f"| {apps.get_model(label)._meta.verbose_name} | `{label}` | " + " | ".join(words(label, role) for role in STAFF_ROLES) + " |"
        for label in labels
    ]
    return ["## 后台能看和改哪些列表", "", *head, *lines]


def words(label: str, role: Role) -> str:
    return "、".join(ACTIONS[action] for action in ROWS[role].get(label, ()))
