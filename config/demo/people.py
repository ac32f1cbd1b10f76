"""The demo's people: the staff with their accounts, and the buyers."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from django.contrib.auth.hashers import check_password, is_password_usable, make_password
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from knox.models import AuthToken

from retail.login import staff_accounts
from retail.login.passwords import PUBLISHED
from retail.models import Tenant, User, UserQuerySet, WeChatIdentity
from retail.rights import GROUP_NAMES, Role
from shops.models import Shop

PASSWORD = PUBLISHED
USERNAMES = ("admin", "hq", "manager", "clerk", "other-hq")
# Whom the sandbox logs in by ``sandbox:xiaomei``.
REGULAR, REGULAR_OPEN_ID = "小美", "sandbox-xiaomei"
NICKNAMES = Path(__file__).with_name("nicknames.txt")


class UsernameTaken(Exception):
    """An account of the demo has the name of somebody who is not of the demo."""


@dataclass(frozen=True)
class Staff:
    """The people who run the demo's shops."""

    headquarters: User
    manager: User
    clerk: User


def make_staff(*, demo: Tenant, other: Tenant, first_shop: Shop) -> Staff:
    """Everybody with the same published password; a superuser ``admin`` that is there already stays. Raises UsernameTaken."""
    # Hashed once: five times the same published password needs no five salts.
    password = make_password(PASSWORD)
    if not User.objects.filter(username="admin", is_superuser=True).exists():
        make_account("admin", "平台管理员", password, is_superuser=True)
    headquarters = make_account("hq", "总部周敏", password, tenant=demo, role=Role.HEADQUARTERS)
    # The right to clear a shop is a person's own.
    headquarters.user_permissions.add(Permission.objects.get(staff_accounts.CLEAR_SHOP))
    manager = make_account("manager", "店长陈立", password, tenant=demo, role=Role.MANAGER)
    clerk = make_account("clerk", "店员小吴", password, tenant=demo, role=Role.CLERK)
    make_account("other-hq", "总部沈洁", password, tenant=other, role=Role.HEADQUARTERS)
    first_shop.staff.add(manager, clerk)
    return Staff(headquarters, manager, clerk)


def make_account(
    username: str, nickname: str, password: str, *, tenant: Tenant | None = None, role: Role | None = None, is_superuser: bool = False
) -> User:
    if User.objects.filter(username=username).exists():
        raise UsernameTaken(username)
    user: User = User.objects.create(
        username=username, nickname=nickname, password=password, tenant=tenant, is_staff=True, is_superuser=is_superuser
    )
    if role is not None:
        user.groups.add(Group.objects.get(name=GROUP_NAMES[role]))
    return user


def make_buyers(*, tenant: Tenant, now: datetime, random: Random) -> list[User]:
    """One buyer per line of ``nicknames.txt``, each with a WeChat identity and a phone of a prefix that no operator has.

    The first is the regular, whom the sandbox knows.
    """
    names = NICKNAMES.read_text(encoding="utf-8").splitlines()
    people = [
        User(
            tenant=tenant,
            nickname=name,
            phone=f"154{number:08d}",
            password="!",  # noqa: S106  # no hash: nobody logs in by password
            created_at=now - timedelta(days=random.randint(30, 400), minutes=random.randrange(1440)),
        )
        for name, number in zip(names, random.sample(range(10**8), len(names)), strict=True)
    ]
    buyers: list[User] = User.objects.bulk_create(people)
    WeChatIdentity.objects.bulk_create(
        WeChatIdentity(
            user=buyer,
            app_id=tenant.app_id or "",
            open_id=REGULAR_OPEN_ID if buyer.nickname == REGULAR else f"o{random.getrandbits(104):026x}",
        )
        for buyer in buyers
    )
    return buyers


def with_published_password(users: UserQuerySet) -> list[User]:
    """Who of ``users`` has the published password: a hash costs a quarter of a second, so those with the demo's user names are tried,
    whether they are among ``users`` or switched off, and everybody with the hash of one who has it."""
    named = User.objects.filter(username__in=USERNAMES).values_list("password", flat=True)
    known = [password for password in set(named) if is_password_usable(password) and check_password(PASSWORD, password)]
    return list(users.filter(password__in=known).order_by("pk")) if known else []


@transaction.atomic
def retire() -> list[User]:
    """Take the published password, and with it sessions and tokens, from everybody who has it, also who can't log in at present."""
    found = with_published_password(User.objects.staff())
    for user in found:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    AuthToken.objects.filter(user__in=found).delete()
    return found
