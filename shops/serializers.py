"""The wire of ``api/shop``."""

import re
from typing import Any, ClassVar

from django.core.files.storage import default_storage
from django.core.validators import validate_ipv46_address
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.fields import empty

from retail.models import is_code
from retail.rights import Right
from retail.wire.fields import Flag, Id, Moment, Number, Text, WholeNumber
from retail.wire.serializers import GivesSerializer, TakesSerializer
from shops.models import Shop

# A file of a folder that holds pictures of shops: those of the admin, and the demo's.
PICTURE = re.compile(r"\A/media/((?:shops|demo)/[0-9A-Za-z_-][0-9A-Za-z_.-]*\.(?:jpe?g|png|webp))\Z", re.ASCII)


class Picture(Text):
    """The ``/media/…`` path of a shop's photograph. In: one that is there already, since pictures are uploaded in the admin."""

    default_error_messages = {"unknown": _("图片不存在，请在后台上传")}

    def to_internal_value(self, value: Any) -> str:
        path = super().to_internal_value(value)
        named = PICTURE.match(path)
        if path and (named is None or not default_storage.exists(named[1])):
            self.fail("unknown")
        return named[1] if named else ""

    def to_representation(self, value: Any) -> str:
        return value.url if value else ""


class DeviceGives(GivesSerializer):
    shopId = WholeNumber(source="shop_id")
    shopName = Text(source="shop.name")
    stallId = WholeNumber(source="stall_id")
    stallName = Text(source="stall.name")
    ip = Text()
    code = Text()
    mac = Text()
    timeStamp = WholeNumber(source="time_stamp")
    inUse = Flag(source="in_use")
    deviceTypeId = WholeNumber(source="device_type_id")
    deviceTypeName = Text(source="device_type.name")
    id = WholeNumber()

    def to_representation(self, device: Any) -> dict[str, Any]:
        given: dict[str, Any] = super().to_representation(device)
        return given if self.principal.may(Right.SEE_DEVICE_KEYS) else given | {"ip": "", "mac": ""}


class Blank(Text):
    """A text that this answer never shows; the value isn't even read."""

    def __init__(self) -> None:
        super().__init__(source="*")

    def to_representation(self, value: Any) -> str:
        return ""


class NotCarried(serializers.Field):  # type: ignore[type-arg]
    """A list of the record that a row of shops doesn't carry; ``component``: whose it is in the schema."""

    unset: ClassVar[list[Any]] = []

    def __init__(self, component: str) -> None:
        super().__init__(source="*", read_only=True)
        self.component = component

    def to_representation(self, value: Any) -> list[Any]:
        return []


class ShopRowGives(GivesSerializer):
    """A shop in a list: with the devices that were prefetched, and no secret."""

    name = Text()
    code = Text()
    appKey = Text(source="app_key")
    appSecret: Text = Blank()
    address = Text()
    lbsPoint = Text(source="lbs_point")
    shopArea = Number(source="area")
    imagePath = Picture(source="image")
    devices = DeviceGives(source="shown_devices", many=True, default=list)
    shopProducts: serializers.Field[Any, Any, Any, Any] = NotCarried("ShopProduct")
    shopProductPriceLogs: serializers.Field[Any, Any, Any, Any] = NotCarried("PriceLog")
    tenantId = WholeNumber(source="tenant_id")
    id = WholeNumber()

    def to_representation(self, shop: Shop) -> dict[str, Any]:
        given: dict[str, Any] = super().to_representation(shop)
        return given if self.principal.may(Right.SEE_DEVICE_KEYS) else given | {"appKey": ""}


class ShopOfTenantGives(ShopRowGives):
    """A shop in the list of the whole tenant, which managers of other shops see too."""

    appKey = Blank()


class ShopAuthGives(GivesSerializer):
    """Of a ``licences.Standing``."""

    name = Text(source="shop.name")
    code = Text(source="shop.code")
    tenant = Text(source="shop.tenant.code")
    tenantName = Text(source="shop.tenant.name")
    validityDate = Moment(source="ends_at")
    lastDate = Moment(source="last_at")
    validityKey = Text(source="validity_key")
    id = WholeNumber(source="shop.pk")


class ConfigGives(GivesSerializer):
    """Of a ``configuration.resolved`` item."""

    code = Text()
    name = Text()
    description = Text()
    valueType = Text(source="value_type")
    value = Text()
    options = Text()
    group = Text()
    unit = Text()
    moduleId = WholeNumber(source="module_id")
    id = WholeNumber()


class SentOnly(TakesSerializer):
    """What is absent or null keeps its value: it is not among the validated names."""

    def named(self, sent: Any) -> dict[str, list[Any]]:
        values = ((name, [value for value in found if value is not None]) for name, found in super().named(sent).items())
        return {name: found for name, found in values if found}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in attrs.items() if value is not None}


class Kept(Text):
    """A text that is written only when it is sent; ``must``: then not as ``""``."""

    def __init__(self, *, must: bool = False, **options: Any) -> None:
        super().__init__(default=empty, allow_blank=not must, **options)


class DeviceTakes(SentOnly):
    id = Id()
    code = Kept(must=True, max_length=32, validators=[is_code])
    deviceTypeId = Id(source="device_type_id")
    stallId = Id(source="stall_id")
    ip = Kept(max_length=39, validators=[validate_ipv46_address])
    mac = Kept(max_length=32)
    inUse = Flag(source="in_use", required=False)


class ShopTakes(TakesSerializer):
    id = Id(source="shop_id", must=True)


class CheckInTakes(TakesSerializer):
    key = Text(source="machine_key", max_length=128)
    shopid = Id(source="shop_id")


class ShopOfTerminalTakes(TakesSerializer):
    shopid = Id(source="shop_id")


class ConfigTakes(ShopOfTerminalTakes):
    code = Text(required=True, max_length=64)
