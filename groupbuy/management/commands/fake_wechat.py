from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from groupbuy.fake_wechat import FakeWeChat, Merchant, load_or_make

MCH_ID = "1900000001"
APP_ID = "wxfake0000000001"
REFUND_SECONDS = 3


class Command(BaseCommand):
    help = "Runs a fake WeChat (payments and mini-program calls) on this machine, for development without a merchant number."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
        parser.add_argument("--port", type=int, default=8790)
        parser.add_argument("--notify-url", default="", help="send notifications here instead of to PUBLIC_BASE_URL of the server")
        parser.add_argument("--speed", type=float, default=0.1, help="what a second of WeChat's retry schedule lasts, in seconds")
        parser.add_argument("--folder", type=Path, default=settings.BASE_DIR / "var" / "fake-wechat", help="where the keys are kept")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = options["folder"].resolve()
        merchant = load_or_make(folder, mch_id=MCH_ID, app_id=APP_ID)
        try:
            fake = FakeWeChat(
                merchant,
                host=options["host"],
                port=options["port"],
                speed=options["speed"],
                notify_url=options["notify_url"],
                refund_seconds=REFUND_SECONDS,
            )
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        for name, value in environment(merchant, url=fake.url, folder=folder).items():
            self.stdout.write(f"{name}={value}")
        self.stdout.write(f"# docs/wechat-pay.md tells how to pay; what happened: {fake.url}/_control/state")
        self.stdout.flush()
        try:
            fake.server.serve_forever()
        except KeyboardInterrupt:
            fake.server.server_close()


def environment(merchant: Merchant, *, url: str, folder: Path) -> dict[str, str]:
    """The lines for ``.env`` that make the server talk to this fake."""
    return {
        "PAYMENT_GATEWAY": "wechat",
        "LOGIN_PROVIDER": "wechat",
        "WECHAT_APP_ID": merchant.app_id,
        "WECHAT_APP_SECRET": merchant.app_secret,
        "WECHAT_MCH_ID": merchant.mch_id,
        "WECHAT_MCH_CERT_SERIAL": merchant.cert_serial,
        "WECHAT_MCH_PRIVATE_KEY_FILE": str(folder / "apiclient_key.pem"),
        "WECHAT_PAY_API_V3_KEY": merchant.api_v3_key,
        "WECHAT_PAY_PUBLIC_KEY_FILE": str(folder / "pub_key.pem"),
        "WECHAT_PAY_PUBLIC_KEY_ID": merchant.public_key_id,
        "WECHAT_PAY_BASE_URL": url,
        "WECHAT_API_BASE_URL": url,
    }
