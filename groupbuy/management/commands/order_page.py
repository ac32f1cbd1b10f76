import re
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from retail import mini_program
from retail.models import Tenant
from retail.refusals import Unavailable

PAGE = re.compile(r"[0-9A-Za-z_-][0-9A-Za-z_/.-]{0,200}")


class Command(BaseCommand):
    help = "Tell WeChat which page of a tenant's mini-program shows an order: its 小程序购物订单 and its notices of shipping open there."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", help="the tenant's code")
        parser.add_argument("page", help="without a leading slash, such as pages/order; it asks getorder by outTradeNo")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(code=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']}.")
        if not PAGE.fullmatch(options["page"]):
            raise CommandError("A page is like pages/order: no leading slash, no query.")
        if not mini_program.is_real():
            raise CommandError("No mini-program is connected: LOGIN_PROVIDER is sandbox.")
        try:
            mini_program.open_orders_at(tenant=tenant, page=options["page"])
        except (mini_program.Refused, Unavailable) as error:
            code = getattr(error, "errcode", None)
            raise CommandError(f"WeChat refused: errcode {code}" if code else "WeChat can't be reached.") from error
        self.stdout.write(f"{tenant}: orders open at {options['page']}")
