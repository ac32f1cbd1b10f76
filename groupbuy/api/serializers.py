"""The wire of group buys: the names of ``docs/api/groupbuy.md``, masked for whoever asks (``docs/api.md``)."""

from collections.abc import Iterable
from decimal import Decimal
from enum import Enum
from typing import Any, ClassVar

from django.conf import settings
from rest_framework import serializers

from groupbuy.api.feed import Face
from groupbuy.models import DeliverType, Order, OrderStatus
from retail.models import User
from retail.principals import Principal
from retail.rights import Right
from retail.wire.fields import Flag, Id, Moment, Money, Text, WholeNumber, enumeration
from retail.wire.masking import mask_name, mask_open_id, mask_phone
from retail.wire.serializers import GivesSerializer, ResultSerializer, TakesSerializer

INT32 = 2**31 - 1


def absolute(path: str) -> str:
    """A picture's full address; one that WeChat gave us is full already."""
    return settings.PUBLIC_BASE_URL + path if path.startswith(settings.MEDIA_URL) else path


class Sight(Enum):
    """How much of an order a caller sees."""

    HIDDEN = "hidden"
    OWNER = "owner"
    CLERK = "clerk"
    FULL = "full"


def sight(order: Order, principal: Principal) -> Sight:
    if principal.is_buyer and principal.user is not None and order.buyer_id == principal.user.pk:
        return Sight.OWNER
    if not principal.is_trade or not principal.covers(tenant_id=order.tenant_id, shop_id=order.shop_id):
        return Sight.HIDDEN
    return Sight.FULL if principal.may(Right.SEE_BUYERS_AFTERWARDS) else Sight.CLERK


class UserGives(GivesSerializer):
    """A person in a list. ``openId`` is given to the person alone, masked to managers."""

    openId = serializers.SerializerMethodField()
    name = serializers.SerializerMethodField()
    profile = serializers.SerializerMethodField()
    id = WholeNumber(source="pk")

    def sees_names(self, user: User) -> bool:
        own = self.principal.user is not None and user.pk == self.principal.user.pk
        return own or bool(self.context.get("sees_names"))

    def get_openId(self, user: User) -> str:  # noqa: N802
        return open_id_for(user, self.principal, sees=self.sees_names(user))

    def get_name(self, user: User) -> str:
        return user.nickname if self.sees_names(user) else mask_name(user.nickname)

    def get_profile(self, user: User) -> str:
        return absolute(user.picture)


class VisitorGives(UserGives):
    """A person in the list of visitors, where buyers are told no openId, not even their own."""

    def get_openId(self, user: User) -> str:  # noqa: N802
        return "" if self.principal.is_buyer else super().get_openId(user)


def open_id_for(user: User, principal: Principal, *, sees: bool) -> str:
    """Own: full; managers and headquarters: masked; everybody else: nothing. Reads the identities: prefetch them."""
    identity = next(iter(user.wechat_identities.all()), None)
    if identity is None:
        return ""
    if principal.user is not None and user.pk == principal.user.pk:
        return identity.open_id
    return mask_open_id(identity.open_id) if sees and principal.may(Right.SEE_OPEN_IDS) else ""


class OrderGives(GivesSerializer):
    """Needs ``buyer``, its identities, ``shop``, ``group_buying``, and ``payments`` with refunds; see ``Order.objects.for_wire``."""

    shopId = WholeNumber(source="shop_id")
    shopName = Text(source="shop.name")
    groupBuyingId = WholeNumber(source="group_buying_id")
    groupBuyingName = Text(source="group_buying.name")
    code = Text()
    sequence = WholeNumber()
    status = WholeNumber(help_text=enumeration(OrderStatus))
    statusName = Text(source="get_status_display")
    userId = WholeNumber(source="buyer_id")
    userOpenId = serializers.SerializerMethodField()
    userName = serializers.SerializerMethodField()
    userProfile = serializers.SerializerMethodField()
    deliverType = WholeNumber(source="deliver_type", help_text=enumeration(DeliverType))
    deliverTypeName = Text(source="get_deliver_type_display")
    address = Text()
    lbs = Text()
    phone = Text()
    remark = Text()
    productName = Text(source="product_name")
    spec = Text()
    qty = WholeNumber()
    money = Money()
    payTime = Moment(source="paid_at", allow_null=True)
    deliverCode = serializers.SerializerMethodField()
    createTime = Moment(source="created_at")
    id = WholeNumber(source="pk")

    HIDDEN: ClassVar[dict[str, Any]] = {"phone": "", "address": "", "lbs": "", "remark": "", "code": "", "payTime": None, "money": 0.0}

    def to_representation(self, order: Order) -> dict[str, Any]:
        row = super().to_representation(order)
        seen = sight(order, self.principal)
        if seen == Sight.HIDDEN:
            row |= self.HIDDEN
        elif seen == Sight.CLERK and order.is_masked_for(self.principal):
            row |= {"phone": mask_phone(order.phone), "address": "", "lbs": "", "remark": ""}
        return row

    def get_userOpenId(self, order: Order) -> str:  # noqa: N802
        return open_id_for(order.buyer, self.principal, sees=sight(order, self.principal) == Sight.FULL)

    def get_userName(self, order: Order) -> str:  # noqa: N802
        hidden = sight(order, self.principal) == Sight.HIDDEN
        return mask_name(order.buyer.nickname) if hidden else order.buyer.nickname

    def get_userProfile(self, order: Order) -> str:  # noqa: N802
        return absolute(order.buyer.picture)

    def get_deliverCode(self, order: Order) -> str:  # noqa: N802
        return order.live_code if sight(order, self.principal) == Sight.OWNER else ""


def by_sort(pictures: Iterable[Any]) -> list[Any]:
    return sorted(pictures, key=lambda picture: (picture.sort, picture.pk))


class GroupBuyingGives(GivesSerializer):
    """Of a ``feed.Face``; everything of a group buy itself is public."""

    imageUrl = serializers.SerializerMethodField()
    shopId = WholeNumber(source="group_buying.shop_id")
    shopName = Text(source="group_buying.shop.name")
    name = Text(source="group_buying.name")
    description = Text(source="group_buying.description")
    startTime = Moment(source="group_buying.start_at")
    endTime = Moment(source="group_buying.end_at")
    deliverType = WholeNumber(source="group_buying.deliver_type", help_text=enumeration(DeliverType))
    address = Text(source="group_buying.address")
    lbs = Text(source="group_buying.lbs")
    phone = Text(source="group_buying.phone")
    inUse = Flag(source="group_buying.in_use")
    productId = WholeNumber(source="group_buying.product_id")
    productName = Text(source="group_buying.product.name")
    productCode = Text(source="group_buying.product.code")
    imagePath = serializers.SerializerMethodField()
    price = Money(source="group_buying.price")
    spec = Text(source="group_buying.spec")
    stock = WholeNumber(source="group_buying.stock")
    payedCount = WholeNumber(source="paid_units")
    orderCount = WholeNumber(source="live_orders")
    visitTimes = WholeNumber(source="visits")
    userId = WholeNumber(source="group_buying.creator_id")
    userName = Text(source="group_buying.creator.nickname")
    createTime = Moment(source="group_buying.created_at")
    orders = OrderGives(many=True, source="feed")
    orderUsers = UserGives(many=True, source="feed_buyers")
    id = WholeNumber(source="group_buying.pk")

    def get_imageUrl(self, face: Face) -> list[str]:  # noqa: N802
        pictures = by_sort(face.group_buying.images.all()) or by_sort(face.group_buying.product.images.all())
        return [absolute(picture.image.url) for picture in pictures]

    def get_imagePath(self, face: Face) -> str:  # noqa: N802
        pictures = by_sort(face.group_buying.product.images.all())
        return pictures[0].image.url if pictures else ""


class KeyValueGives(GivesSerializer):
    key = serializers.IntegerField()
    value = serializers.CharField()


class ResultWithIdGives(ResultSerializer):
    data = serializers.IntegerField()  # type: ignore[assignment]  # the wire's name


class PayParametersGives(GivesSerializer):
    prePayId = serializers.SerializerMethodField()
    nonceStr = Text(source="nonce_str")
    signType = Text(source="sign_type")
    paySign = Text(source="pay_sign")
    timeStamp = Text(source="time_stamp")

    def get_prePayId(self, parameters: Any) -> str:  # noqa: N802
        return f"prepay_id={parameters.pre_pay_id}" if settings.PREPAY_PREFIX else parameters.pre_pay_id


class ResultWithPayParametersGives(ResultSerializer):
    data = PayParametersGives(allow_null=True)  # type: ignore[assignment]  # narrower than the envelope's own


class IdTakes(TakesSerializer):
    id = Id(must=True)


class OrderTakes(TakesSerializer):
    """One order by its ``id``, or as WeChat names it: by the number of one of its payments. What is given, by column."""

    id = Id(source="pk")
    outTradeNo = Text(source="payments__out_trade_no", max_length=32)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = {column: value for column, value in attrs.items() if value}
        if not given:
            raise serializers.ValidationError({"id": [Id.default_error_messages["none"]]})
        return given


class ConsentTakes(TakesSerializer):
    templateId = Text(source="template_id", max_length=64, required=True)
    accepted = Flag()


class OrderIdTakes(TakesSerializer):
    """``{}`` bodies of the documents: ``id``, or ``orderId``."""

    id = Id(source="order_id", must=True)
    aliases: ClassVar = {"id": ("orderId",)}


class PayTakes(TakesSerializer):
    """``orderId``, or ``id``; ``timeStamp`` is never trusted and so not read."""

    orderId = Id(source="order_id", must=True)
    aliases: ClassVar = {"orderId": ("id",)}


class CreateOrderTakes(TakesSerializer):
    groupBuyingId = Id(source="group_buying_id", must=True)
    userId = Id(source="user_id")
    deliverType = Id(source="deliver_type", help_text=enumeration(DeliverType))
    address = Text(max_length=200)
    phone = Text(max_length=20)
    remark = Text(max_length=200)
    recipient = Text(max_length=50)
    qty = WholeNumber(least=1, most=INT32)
    money = Money(required=False, allow_null=True, default=None, most=Decimal("9999999999999.99"))


class VisitorTakes(TakesSerializer):
    groupBuyingId = Id(source="group_buying_id", must=True)
    userId = Id(source="user_id")


class ShareTakes(TakesSerializer):
    groupBuyingId = Id(source="group_buying_id", must=True)
    userId = Id(source="user_id")
    aliases: ClassVar = {"groupBuyingId": ("mainId", "id")}


class VisitTakes(TakesSerializer):
    mainId = Id(source="share_id")
    groupBuyingId = Id(source="group_buying_id")
    userId = Id(source="user_id")
