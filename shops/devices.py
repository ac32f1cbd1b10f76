"""Tills and scales: which there are, and the nonces that they have used up."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps as installed
from django.apps.registry import Apps
from django.db import IntegrityError, transaction
from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext_lazy as _

from retail.database import tables
from retail.principals import Principal
from retail.refusals import Invalid, NotThere, Refusal
from shops.models import Device, DeviceNonce, DeviceType, Shop, Stall
from shops.signatures import NONCE_SECONDS

FIELDS = frozenset({"code", "device_type_id", "stall_id", "ip", "mac", "in_use"})
TYPES = {"till": "收银机", "scale": "条码秤", "self_checkout": "自助收银机", "label_printer": "标签打印机"}


class DeviceCodeTaken(Refusal):
    message = _("设备编码已存在")


def ensure_types(apps: Apps = installed, **_: Any) -> None:
    """The built-in kinds of devices, after every ``migrate``; others may be added in the admin."""
    if not tables.are_there(apps, DeviceType):
        return
    rows = [DeviceType(code=code, name=name) for code, name in TYPES.items()]
    DeviceType.objects.bulk_create(rows, ignore_conflicts=True)


def with_devices(shops: QuerySet[Shop]) -> QuerySet[Shop]:
    """The shops with what an answer shows of their devices, as ``shown_devices``."""
    rows = Device.objects.select_related("stall", "device_type").order_by("code")
    return shops.prefetch_related(Prefetch("devices", rows, to_attr="shown_devices"))


def save_devices(*, shop: Shop, devices: Sequence[Mapping[str, Any]]) -> None:
    """Change the shop's devices that are named by ``id`` or else by ``code``, make the others; what is not sent stays as it is.

    Each device maps field names to new values. Raises NotThere on an id, stall or type that the shop doesn't have, Invalid on the same
    device twice or a new one without code or type, DeviceCodeTaken.
    """
    held = list(Device.objects.filter(shop=shop))
    stalls = set(Stall.objects.filter(shop=shop).values_list("pk", flat=True))
    types = set(DeviceType.objects.values_list("pk", flat=True))
    chosen = [device_named(sent, held, shop) for sent in devices]
    if len({device.code for device in chosen}) != len(chosen):
        raise Invalid(_("同一设备出现多次"))
    for device, sent in zip(chosen, devices, strict=True):
        for name in FIELDS & sent.keys():
            setattr(device, name, sent[name])
        if not device.code or not device.device_type_id:
            raise Invalid(_("新设备须有编码和类型"))
        if device.device_type_id not in types or device.stall_id not in {None, *stalls}:
            raise NotThere
    write(chosen)


def device_named(sent: Mapping[str, Any], held: Sequence[Device], shop: Shop) -> Device:
    if sent.get("id"):
        known = next((device for device in held if device.pk == sent["id"]), None)
        if known is None:
            raise NotThere
        return known
    code = sent.get("code", "")
    return next((device for device in held if device.code == code), None) or Device(shop=shop, code=code)


def write(devices: Sequence[Device]) -> None:
    try:
        with transaction.atomic():
            Device.objects.bulk_create([device for device in devices if device.pk is None])
            Device.objects.bulk_update([device for device in devices if device.pk is not None], sorted(FIELDS))
    except IntegrityError as error:
        raise DeviceCodeTaken from error


def use_nonce(*, app_key: str, nonce: str, now: datetime) -> bool:
    """False when the key has used the nonce within the last 600 seconds. Of two requests with one nonce one gets True."""
    try:
        with transaction.atomic():
            DeviceNonce.objects.create(app_key=app_key, nonce=nonce, used_at=now)
    except IntegrityError:
        old = DeviceNonce.objects.filter(app_key=app_key, nonce=nonce, used_at__lt=now - timedelta(seconds=NONCE_SECONDS))
        return old.update(used_at=now) == 1
    return True


def forget_nonces(*, now: datetime) -> int:
    """Delete what is too old to matter; for the background work. Returns how many."""
    return DeviceNonce.objects.filter(used_at__lt=now - timedelta(seconds=NONCE_SECONDS)).delete()[0]


def reset_downloads(*, shop_id: int, device_id: int | None, principal: Principal) -> int:
    """Make the shop's devices, or the one, load everything at their next pull; returns their number. Raises NotThere."""
    if not Shop.objects.visible_to(principal).open().filter(pk=shop_id).exists():
        raise NotThere
    devices = Device.objects.filter(shop=shop_id)
    if device_id:
        devices = devices.filter(pk=device_id)
    count = devices.update(time_stamp=0, offered_stamp=0)
    if device_id and not count:
        raise NotThere
    return count
