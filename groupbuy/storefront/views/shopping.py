"""Looking at group buys, sharing them and ordering."""

import logging
import re
import secrets
from datetime import datetime
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib.auth import login, logout
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from groupbuy.models import DeliverType, GroupBuying, GroupBuyingQuerySet, Order, Share, Stage
from groupbuy.models.stages import with_stage
from groupbuy.notices import share_codes
from groupbuy.orders import Replayed, limits, regions, visits
from groupbuy.storefront import offers, ordering
from groupbuy.storefront.forms import OrderForm
from groupbuy.storefront.offers import Offer
from groupbuy.storefront.purchases import label_of
from groupbuy.storefront.qr_codes import qr_drawing
from groupbuy.storefront.searching import Search
from groupbuy.storefront.views.base import Page, number_in
from retail.database import faults
from retail.login.wechat_and_password import default_tenant
from retail.logs.client_ip import client_network
from retail.models import Tenant, User
from retail.principals import ANONYMOUS
from retail.refusals import Refusal, Unavailable, found
from retail.throttles import PerBuyerList, PerBuyerOrder
from shops import configuration
from shops.models import Shop

log = logging.getLogger(__name__)
# What a browser has from its first look at a group buy on: that it is the same that got an order sheet.
BROWSER = "browser"
is_drawn = re.compile(r"[0-9A-Za-z_-]{22}").fullmatch
PNG = b"\x89PNG"
BACKEND = "retail.login.backend.PeopleBackend"


def tenant_by_host(request: HttpRequest) -> Tenant | None:
    """The tenant whose own domain was called, else the installation's default."""
    host = request.get_host().rsplit(":", 1)[0].lower()
    return Tenant.objects.filter(in_use=True, host_name=host).first() or default_tenant()


class Home(Page):
    def get(self, request: HttpRequest) -> HttpResponse:
        tenant = tenant_by_host(request)
        if tenant is None:
            return self.show("storefront/no_tenant.html")
        group_buyings = GroupBuying.objects.filter(tenant=tenant, shop__removed_at=None)
        shops = Shop.objects.open().filter(tenant=tenant).order_by("code")
        return show_cards(self, "storefront/home.html", group_buyings, tenant=tenant, shops=shops)


class ShopPage(Page):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        shop = found(Shop.objects.open().select_related("tenant"), pk=pk, tenant__in_use=True)
        group_buyings = GroupBuying.objects.filter(shop=shop)
        holidays = shop.holidays.near(timezone.localdate(self.now))
        return show_cards(self, "storefront/shop.html", group_buyings, tenant=shop.tenant, shop=shop, holidays=holidays)


def show_cards(page: Page, template: str, group_buyings: GroupBuyingQuerySet, *, tenant: Tenant, **context: Any) -> HttpResponse:
    """The cards that were searched for, one page of them; what is over comes on the last. A search by script gets them alone."""
    request = page.request
    search = Search(request.GET, group_buyings, page.principal, tenant, page.now)
    skip = number_in(request.GET, "skip") or 0
    on_sale, more = offers.on_sale(search.found, now=page.now, skip=skip)
    return page.show(
        "storefront/_found.html" if request.htmx else template,  # type: ignore[attr-defined]
        tenant=tenant,
        search=search,
        on_sale=on_sale,
        running=sum(offer.is_running for offer in on_sale),
        over=[] if more else offers.over(search.found, now=page.now),
        skip=skip,
        next_page=search.address_of(skip + offers.CARDS) if more else "",
        **context,
    )


def own_orders(group_buying: GroupBuying, viewer: User, now: datetime) -> list[tuple[Order, Any]]:
    """The buyer's latest live orders of a group buy, each with its stage in words."""
    rows: Any = with_stage(group_buying.orders.of(viewer.pk).live(), now).order_by("-pk")[:3]
    return [(order, label_of(Stage(order.stage))) for order in rows]


class GroupBuyingPage(Page):
    """One group buy, and the order sheet on it."""

    throttle = PerBuyerOrder
    form: OrderForm
    order_limit: int

    @cached_property
    def browser(self) -> str:
        """In a cookie and nowhere on the page, as Django's secret against forged forms is: a copy of the page must not be enough."""
        held = self.request.COOKIES.get(BROWSER, "")
        return held if is_drawn(held) else secrets.token_urlsafe(16)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().dispatch(request, *args, **kwargs)
        if "browser" in self.__dict__ and request.COOKIES.get(BROWSER) != self.browser:
            response.set_cookie(BROWSER, self.browser, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax")
        return response

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        group_buying = find(pk)
        self.count_visit(group_buying)
        self.form = self.form_for(group_buying)
        return self.show_offer(group_buying, is_ordering="order" in request.GET)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        group_buying = find(pk)
        self.form = self.form_for(group_buying, request.POST)
        if not self.form.is_valid():
            return self.show_offer(group_buying, is_ordering=True)
        order = ordering.place_order(
            principal=self.principal,
            wish=self.form.wish(),
            form_key=self.form.cleaned_data["key"],
            browser=self.browser,
            address=client_network(self.request),
            share_id=number_in(request.POST, "share"),
            now=self.now,
        )
        if self.buyer is None:
            login(request, order.buyer, backend=BACKEND)
        return self.go(reverse("storefront:order", args=[order.code]))

    def refused(self, error: Refusal) -> HttpResponse:
        if not error.is_business:
            return super().refused(error)
        words = error.message
        if isinstance(error, Replayed):
            words = _("您刚才已经提交过一笔订单，在「我的订单」里；要再下一单，请再提交一次")
        # Read anew: what was refused has changed since the page was made.
        return self.show_offer(find(self.kwargs["pk"]), is_ordering=True, refusal=words)

    def count_visit(self, group_buying: GroupBuying) -> None:
        """A person's look; not a HEAD, not the order sheet without script, not staff at work."""
        if self.request.method != "GET" or "order" in self.request.GET or self.principal.is_staff:
            return
        own = self.principal.tenant_id == group_buying.tenant_id
        share = number_in(self.request.GET, "share")
        came_by = share if share and group_buying.shares.filter(pk=share).exists() else None
        principal = self.principal if own else ANONYMOUS
        onlooker = visits.Onlooker(client_network(self.request), self.request.headers.get("User-Agent", ""))
        try:
            visits.visit(share_id=came_by, group_buying_id=group_buying.pk, principal=principal, onlooker=onlooker, now=self.now)
        except OperationalError as error:
            # The database is busy selling: the page is worth more than its counter.
            log.warning("a visit of group buy %s was not counted: %s", group_buying.pk, faults.cause_of(error))

    def form_for(self, group_buying: GroupBuying, typed: Any = None) -> OrderForm:
        viewer = self.viewer(group_buying.tenant_id)
        initial = {"qty": number_in(self.request.GET, "qty") or 1, "phone": viewer.phone if viewer else ""}
        if viewer and group_buying.deliver_type == DeliverType.EXPRESS:
            initial |= last_parcel(viewer.pk)
        asked = ("phone_required", "units_per_order")
        settings_ = configuration.values_of(asked, tenant_id=group_buying.tenant_id, shop_id=group_buying.shop_id)
        self.order_limit = limits.units_per_order(group_buying, settings_["units_per_order"])
        return OrderForm(typed, group_buying=group_buying, phone_required=settings_["phone_required"], initial=initial)

    def show_offer(self, group_buying: GroupBuying, *, is_ordering: bool, refusal: Any = "") -> HttpResponse:
        viewer = self.viewer(group_buying.tenant_id)
        return self.show(
            "storefront/group_buying.html",
            tenant=group_buying.tenant,
            own_orders=own_orders(group_buying, viewer, self.now) if viewer else [],
            is_ordering=is_ordering,
            refusal=refusal,
            page_address=self.request.build_absolute_uri(reverse("storefront:group_buying", args=[group_buying.pk])),
            **self.live_parts(group_buying, offers.look_at(group_buying, viewer=viewer, now=self.now)),
        )

    def live_parts(self, group_buying: GroupBuying, offer: Offer) -> dict[str, Any]:
        """What the parts show that change while the page stands open."""
        viewer = self.viewer(group_buying.tenant_id)
        return {
            "offer": offer,
            "qty_max": min(offer.qty_max, self.order_limit),
            "group_buying": group_buying,
            "recent": offers.recent_orders(group_buying),
            "viewer": viewer,
            "can_pay": ordering.can_pay(viewer, group_buying.tenant),
            "may_order": self.may_order(group_buying.tenant_id),
            "form": self.form,
            "form_key": ordering.new_form_key(self.browser),
            "share": number_in(self.request.POST or self.request.GET, "share") or "",
        }


def last_parcel(buyer_id: int) -> dict[str, str]:
    """To whom and where the buyer's last parcel went, in the fields of the order sheet."""
    sent = Order.objects.of(buyer_id).filter(deliver_type=DeliverType.EXPRESS).order_by("-pk").only("recipient", "address").first()
    if sent is None:
        return {}
    province, city, street = regions.parted(sent.address)
    return {"recipient": sent.recipient, "province": province, "city": city, "street": street}


class GroupBuyingNews(GroupBuyingPage):
    """The live parts of a group buy's page; nothing (204) while they are as the page has them."""

    http_method_names = ("get", "head", "options")

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        group_buying = find(pk)
        offer = offers.look_at(group_buying, viewer=self.viewer(group_buying.tenant_id), now=self.now)
        seen = request.GET.get("seen", "")
        if seen == offer.version:
            return HttpResponse(status=204)
        self.form = self.form_for(group_buying)
        # A sheet that somebody is typing on is left alone, unless what it says has become wrong.
        has_turned = not seen.startswith(f"{offer.phase}_")
        return self.show("storefront/_news.html", has_turned=has_turned, **self.live_parts(group_buying, offer))


class SharePage(Page):
    """The link of a group buy: a buyer's own, which counts who comes through it, or a visitor's plain one."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        group_buying = find(pk)
        share = None
        if self.viewer(group_buying.tenant_id):
            share = visits.share(group_buying_id=pk, principal=self.principal, now=self.now)
        template = "storefront/_share.html" if request.htmx else "storefront/share.html"  # type: ignore[attr-defined]
        return self.show(
            template,
            tenant=group_buying.tenant,
            offer=offers.Offer(group_buying, self.now),
            group_buying=group_buying,
            link=link_of(request, pk, share),
            share=share,
            has_code=share and share_codes.page_for(tenant_id=group_buying.tenant_id, shop_id=group_buying.shop_id),
        )


class ShareCode(Page):
    """The picture of a share's mini-program code, for the share sheet and for the mini-program's own poster; while WeChat gives none,
    the link's."""

    http_method_names = ("get", "head", "options")

    def get(self, request: HttpRequest, pk: int, share: int) -> HttpResponse:
        sharing = found(Share.objects.select_related("group_buying__tenant"), pk=share, group_buying=pk)
        self.check_throttle(PerBuyerList)
        try:
            picture = share_codes.picture_of(sharing)
        except Unavailable:
            return HttpResponse(qr_drawing(link_of(request, pk, sharing), is_file=True), content_type="image/svg+xml")
        return HttpResponse(picture, content_type="image/png" if picture.startswith(PNG) else "image/jpeg")


def link_of(request: HttpRequest, pk: int, share: Share | None) -> str:
    """The group buy's address; with ``share`` whoever comes by it counts as the sharer's visitor."""
    link = request.build_absolute_uri(reverse("storefront:group_buying", args=[pk]))
    return f"{link}?share={share.pk}" if share else link


class Leave(Page):
    """Ends a session that can't order here, so that the person can as a visitor."""

    def post(self, request: HttpRequest) -> HttpResponse:
        logout(request)
        back = request.POST.get("next", "")
        safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=settings.HTTPS)
        return self.go(back if safe else reverse("storefront:home"))


def find(pk: int) -> GroupBuying:
    """A group buy's public face: anybody's, of any tenant. Raises NotThere."""
    return found(offers.for_page(GroupBuying.objects.public()).select_related("tenant"), pk=pk)
