"""Ordering on the buyer pages, where a visitor becomes a buyer by the first order."""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _

from groupbuy import orders
from groupbuy.models import Gateway, GroupBuying, IdempotencyKey, Order, Share
from groupbuy.orders import NotBuyable, Wish, visits
from groupbuy.orders.limits import network_of
from retail import mini_program
from retail.login import wechat_and_password
from retail.models import Tenant, User
from retail.principals import Principal, principal_of
from retail.refusals import Forbidden, found

# How long the key of a form leads back to the visitor whom it made.
SAME_FORM = timedelta(minutes=10)
NONCE_LENGTH, PROOF_LENGTH = 22, 24


class OnlyInMiniProgram(NotBuyable):
    message = _("请在微信小程序里下单")


def can_pay(buyer: User | None, tenant: Tenant) -> bool:
    """WeChat Pay takes money only from whom the tenant's app knows; the sandbox from anybody."""
    if settings.PAYMENT_GATEWAY == Gateway.SANDBOX:
        return True
    return buyer is not None and buyer.wechat_identities.filter(app_id=mini_program.app_id_of(tenant)).exists()


@transaction.atomic
def place_order(
    *, principal: Principal, wish: Wish, form_key: str, browser: str, address: str, share_id: int | None, now: datetime
) -> Order:
    """Order for the buyer of the session, or for a visitor, who is made here; the order's buyer is who to log in.

    The same ``form_key`` is the same order, to a visitor from the ``browser`` that was given it (``new_form_key``).
    ``share_id``: through whose link a new visitor came; ``address``: the client's (``client_network``), by which those without a WeChat
    identity are limited together. A refusal leaves no visitor.
    Raises Forbidden for staff, OnlyInMiniProgram, and what ``orders.create_order`` raises.
    """
    if principal.is_staff:
        raise Forbidden
    buyer = principal.user or visitor_of(wish.group_buying_id, form_key, browser=browser, now=now)
    if buyer.tenant is None or not can_pay(buyer, buyer.tenant):
        raise OnlyInMiniProgram
    key = stored_key(form_key)
    network = "" if buyer.wechat_identities.exists() else network_of(address)
    order = orders.create_order(principal=principal_of(buyer), buyer_id=None, wish=wish, now=now, idempotency_key=key, network=network)
    if principal.user is None:
        came_by = Share.objects.filter(pk=share_id, group_buying=order.group_buying_id).first() if share_id else None
        # The page has counted this visit already, without a name: only who it was is new.
        visits.is_new_visit(order.group_buying, buyer, came_by, now)
    wechat_and_password.update_person(buyer, phone=order.phone)
    return order


def visitor_of(group_buying_id: int, form_key: str, *, browser: str, now: datetime) -> User:
    """A new buyer, or the one whom the other tap on the same form has just made: who is found here is logged in."""
    # One at a time: the second of two taps must find what the first has written.
    group_buying = found(GroupBuying.objects.select_for_update(of=("self",)).select_related("tenant"), pk=group_buying_id)
    recent = IdempotencyKey.objects.filter(key=stored_key(form_key), created_at__gt=now - SAME_FORM)
    # Nobody with a WeChat identity is reached by a form's key.
    reachable = recent.filter(user__wechat_identities=None, user__is_staff=False).select_related("user")
    earlier = reachable.first() if is_own(form_key, browser) else None
    return earlier.user if earlier else wechat_and_password.make_visitor(tenant=group_buying.tenant)


def new_form_key(browser: str, nonce: str = "") -> str:
    """The key of an order sheet. ``browser``: what this browser alone knows; a copy of the key proves nothing in another."""
    nonce = nonce or secrets.token_urlsafe(16)
    proof = salted_hmac("groupbuy.form_key", f"{nonce} {browser}", algorithm="sha256").hexdigest()
    return nonce + proof[:PROOF_LENGTH]


def is_own(form_key: str, browser: str) -> bool:
    return constant_time_compare(form_key, new_form_key(browser, form_key[:NONCE_LENGTH]))


def stored_key(form_key: str) -> str:
    return f"page-{form_key}"
