"""Until when a shop's devices may call, and the machine that its key is bound to. The platform sells the first: only it prolongs."""

import hmac
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.translation import gettext_lazy as _

from retail.principals import Principal
from retail.refusals import Forbidden, NotThere, found
from shops import configuration
from shops.models import UNLIMITED_ON, Licence, Shop, day_end


class WrongMachine(Forbidden):
    message = _("机器码不符")


class LicenceEnded(Forbidden):
    message = _("已过有效期")


def last_day(*, shop: Shop, licence: Licence) -> date:
    """The last day that the shop's devices may run: the end of the contract and the configured days of grace."""
    ends_on = licence.contract_ends_on
    if ends_on is None or ends_on >= UNLIMITED_ON:
        return UNLIMITED_ON
    grace = configuration.value_of(code="licence_grace_days", tenant_id=shop.tenant_id, shop_id=shop.pk)
    return min(ends_on + timedelta(days=grace), UNLIMITED_ON)


def has_ended(*, shop: Shop, now: datetime) -> bool:
    """The grace is looked up only when the contract is over: this is asked with every request of a device."""
    licence = licence_of(shop)
    ends_on = licence.contract_ends_on
    if ends_on is None or now <= day_end(ends_on):
        return False
    return now > day_end(last_day(shop=shop, licence=licence))


def terms_of(*, tenant_id: int) -> date | None:
    """Until when a shop may run that the tenant opens by itself: as long as the longest of its others.

    None: unlimited, beside an open unlimited one or as the first. Closed shops count with their ends, so that closing and opening
    prolongs nothing.
    """
    rows = Shop.objects.filter(tenant=tenant_id).values_list("removed_at", "licence__contract_ends_on")
    if any(removed_at is None and ends_on is None for removed_at, ends_on in rows):
        return None
    return max((ends_on for _, ends_on in rows if ends_on is not None), default=None)


def licence_of(shop: Shop) -> Licence:
    """The shop's licence; one without a row is unlimited and not bound."""
    return getattr(shop, "licence", None) or Licence(shop_id=shop.pk)


@dataclass(frozen=True)
class Standing:
    """What a terminal is told of its licence. The moments are the last seconds of their days, never None."""

    shop: Shop
    validity_key: str
    ends_at: datetime
    last_at: datetime


def check_in(*, shop_id: int, machine_key: str, principal: Principal) -> Standing:
    """A terminal's activation and heartbeat: the first call of a device binds its shop's licence to ``machine_key``.

    Staff, callers without a credential, and an empty key bind nothing. Raises NotThere, also when a caller without a credential
    doesn't know the key that the licence is bound to; WrongMachine.
    """
    if principal.is_anonymous:
        shop = shop_with_key(shop_id=shop_id, machine_key=machine_key)
        return standing_of(shop, licence_of(shop))
    shop = visible_shop(shop_id=shop_id, principal=principal)
    return standing_of(shop, activate(shop=shop, machine_key=machine_key) if principal.is_device else licence_of(shop))


def look_up(*, shop_id: int, principal: Principal) -> Standing:
    """How the shop's licence stands, for whoever may see the shop; nothing is bound. Raises NotThere."""
    shop = visible_shop(shop_id=shop_id, principal=principal)
    return standing_of(shop, licence_of(shop))


def standing_of(shop: Shop, licence: Licence) -> Standing:
    ends_on = min(licence.contract_ends_on or UNLIMITED_ON, UNLIMITED_ON)
    return Standing(shop, licence.validity_key, day_end(ends_on), day_end(last_day(shop=shop, licence=licence)))


def visible_shop(*, shop_id: int, principal: Principal) -> Shop:
    return found(Shop.objects.visible_to(principal).open().select_related("tenant", "licence"), pk=shop_id)


def shop_with_key(*, shop_id: int, machine_key: str) -> Shop:
    shop = found(Shop.objects.open().select_related("tenant", "licence"), pk=shop_id, tenant__in_use=True)
    if not machine_key or not same_key(licence_of(shop).validity_key, machine_key):
        raise NotThere
    return shop


def activate(*, shop: Shop, machine_key: str) -> Licence:
    """Bind the shop's licence to the machine that calls first; a repeat with the same key changes nothing. Raises WrongMachine."""
    licence = licence_of(shop)
    if not licence.pk:
        licence, _created = Licence.objects.get_or_create(shop_id=shop.pk)
    if machine_key and not licence.validity_key:
        # Compare and set: of two machines that call at once one is bound.
        Licence.objects.filter(pk=licence.pk, validity_key="").update(validity_key=machine_key)
        licence.refresh_from_db()
    if not same_key(licence.validity_key, machine_key):
        raise WrongMachine
    return licence


def same_key(held: str, sent: str) -> bool:
    return hmac.compare_digest(held.encode(), sent.encode())
