"""A scale to try the download with: what an integrator's does, signature and all."""

import time
from argparse import ArgumentParser
from itertools import count
from pathlib import Path
from typing import Any

import requests
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from shops.models import Device, Shop
from shops.scale import Holdings, Pull, Refused, Scale

ROWS_SHOWN = 10


class Command(BaseCommand):
    help = "Play a scale of a shop: pull its prices over HTTP, acknowledge them, and show what the scale holds."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--shop", required=True, help="code of the shop")
        parser.add_argument("--tenant", default="", help="code of the tenant, where several have a shop of that code")
        parser.add_argument("--device", default="", help="code of the device; the shop's first one in use otherwise")
        parser.add_argument("--base-url", default="http://127.0.0.1:8000")
        parser.add_argument("--holdings", type=Path, help="file of what the scale holds (default: under var/)")
        parser.add_argument("--watch", action="store_true", help="pull again and again until Ctrl-C; otherwise once")
        parser.add_argument("--once", action="store_false", dest="watch", help="pull once (the default)")
        parser.add_argument("--every", type=float, default=5.0, help="seconds between two pulls of --watch")
        parser.add_argument("--rounds", type=int, default=0, help="end --watch after so many pulls")

    def handle(self, *args: Any, **options: Any) -> None:
        device = self.device(options["shop"], options["tenant"], options["device"])
        path = options["holdings"] or settings.BASE_DIR / "var" / f"scale-{device.shop_id}-{device.pk}.json"
        shop = device.shop
        scale = Scale(options["base_url"], shop.app_key, shop.app_secret, shop.pk, device.pk, Holdings.at(path))
        self.stdout.write(f"{shop.name} · {device.code} · {path}")
        rounds = (range(options["rounds"]) if options["rounds"] else count()) if options["watch"] else range(1)
        try:
            for number in rounds:
                if number:
                    time.sleep(options["every"])
                self.show(scale, self.pull(scale), whole=number == 0)
        except KeyboardInterrupt:
            self.stdout.write("")

    def device(self, shop_code: str, tenant_code: str, device_code: str) -> Device:
        shops = Shop.objects.open().filter(code=shop_code)
        found = list(shops.filter(tenant__code=tenant_code) if tenant_code else shops)
        if len(found) != 1:
            raise CommandError(f"{len(found)} open shops have the code {shop_code}" + (": name the --tenant" if found else ""))
        devices = Device.objects.in_use().select_related("shop").filter(shop=found[0]).order_by("code")
        device = (devices.filter(code=device_code) if device_code else devices).first()
        if device is None:
            raise CommandError(f"{found[0].name} has no such device in use")
        return device

    def pull(self, scale: Scale) -> Pull:
        try:
            return scale.pull()
        except (Refused, requests.RequestException) as error:
            raise CommandError(f"{scale.base_url}: {error}") from error

    def show(self, scale: Scale, pull: Pull, *, whole: bool) -> None:
        held = sorted(scale.holdings.products.values(), key=lambda row: (row["sort"], row["productCode"]))
        if not (whole or pull.changed or pull.deleted or pull.full):
            return
        kind = "full reload" if pull.full else "changes"
        self.stdout.write(
            f"{kind}: {pull.changed} rows, {pull.deleted} dropped, {pull.pages} pages; "
            f"holds {len(held)} products at stamp {scale.holdings.time_stamp}"
        )
        for row in held[:ROWS_SHOWN]:
            self.stdout.write(f"  {row['productCode']:>8}  {row['price']:>8.2f}  {row['memberPrice']:>8.2f}  {row['productName']}")
        if len(held) > ROWS_SHOWN:
            self.stdout.write(f"  … {len(held) - ROWS_SHOWN} more")
