"""What the log says of dealings with WeChat, good and bad: no person, no key, also at ``LOG_LEVEL=DEBUG``."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from config import schedule
from groupbuy.orders import fulfilment
from groupbuy.payments import reconciling, refunds
from retail.principals import principal_of
from shops.models import ConfigItem, ConfigValue
from tests.contract.calls import GROUP
from tests.support.clients import ApiClient
from tests.support.logs import Written
from tests.support.pages import browser_of
from tests.support.wechat import NOTIFY, REFUND_NOTIFY, house_merchant, notify, packed, pay

pytestmark = pytest.mark.django_db
WECHAT_LOGIN = "/api/auth/wechatlogin"
TYPED = PHONE, ADDRESS, REMARK, NAME = "13766667777", "漕宝路 66 弄 5 号", "门口第三个柜子", "小美美"


@pytest.fixture
def person(wechat_buyer):
    wechat_buyer.nickname, wechat_buyer.phone = NAME, PHONE
    wechat_buyer.save()
    return wechat_buyer


def open_id_of(person) -> str:
    return person.wechat_identities.get().open_id


def secrets_of(fake, open_id: str) -> list[str]:
    """What WeChat and we share, and the person's id there."""
    house, found = house_merchant(fake), [open_id, *fake.books.tokens.values()]
    pem = [line for line in house.private_pem.splitlines() if "PRIVATE" not in line]
    return [*found, house.api_v3_key, house.app_secret, *pem]


def assert_silent_about(fake, open_id: str, written: Written) -> None:
    assert [secret for secret in secrets_of(fake, open_id) if secret in written.words] == []
    assert [word for word in TYPED if word in written.words] == []


WIRE_FAULTS = ("reset", "lost", "html", "truncated", "not_json", "wrong_types", "no_signature", "bad_signature", "wrong_serial", "status")


def test_paying_and_refunding_at_wechat(fake_wechat, person, wechat_order, prepaid, headquarters, logged, now):
    client = ApiClient()
    client.client = browser_of(person)
    for fault in WIRE_FAULTS:
        fake_wechat.control("fault", kind=fault)
        client.post(GROUP + "checkorderpay", {"id": wechat_order.pk})
        wechat_order.payments.update(next_check_at=None)
    message = pay(fake_wechat, prepaid.pre_pay_id)
    for fault in ("bad_signature", "wrong_api_key", ""):
        notify(*packed(fake_wechat, message, fault))
    headers, body = packed(fake_wechat, message)
    notify(headers, body.replace(b"SUCCESS", b"CLOSED!"))
    notify(headers | {"Wechatpay-Serial": PHONE}, body)
    wanted = refunds.refund_order(order_id=wechat_order.pk, amount=None, reason=REMARK, principal=principal_of(headquarters), now=now)
    for fault in WIRE_FAULTS:
        fake_wechat.control("fault", kind=fault)
        refunds.send_due(now=now + timedelta(hours=WIRE_FAULTS.index(fault)))
    done = fake_wechat.control("finish_refund", number=wanted.out_refund_no, status="ABNORMAL")["notification"]
    notify(*packed(fake_wechat, done), path=REFUND_NOTIFY)
    reconciling.reconcile_due(now=now + timedelta(days=1))
    assert [line["route"] for line in logged.access].count(NOTIFY.removeprefix("/")) == 5
    assert any("is abnormal" in line["message"] for line in logged.lines)
    assert_silent_about(fake_wechat, open_id_of(person), logged)


def test_the_mini_programs_calls(fake_wechat, person, wechat_order, prepaid, tenant, headquarters, logged, settings, now):
    settings.DEFAULT_TENANT = tenant.code
    for fault in ("", *WIRE_FAULTS[:6], "status"):
        for path in ("jscode2session", "stable_token", "getuserphonenumber"):
            if fault:
                fake_wechat.control("fault", kind=fault, path=path)
            ApiClient().post(WECHAT_LOGIN, {"code": f"who:{path}:{fault}", "phoneCode": f"who:a:{fault}{path}", "userName": NAME})
    fake_wechat.control("fault", kind="errcode", path="jscode2session", code="40125")
    ApiClient().post(WECHAT_LOGIN, {"code": "who:b:1"})
    item = ConfigItem.objects.get(code="message_arrived")
    ConfigValue.objects.create(item=item, tenant=tenant, shop=None, value="T1 thing1=商品")
    notify(*packed(fake_wechat, pay(fake_wechat, prepaid.pre_pay_id)))
    fulfilment.deliver_orders(order_ids=[wechat_order.pk], principal=principal_of(headquarters), now=now)
    for hours, (fault, code) in enumerate((("html", ""), ("errcode", "40001"), ("reset", ""), ("errcode", "43101"))):
        fake_wechat.control("fault", kind=fault, code=code, times=2)
        schedule.JOBS["outbox"][0](now=now + timedelta(hours=3 * hours))
    assert any("mini-program call" in line["message"] for line in logged.lines)
    assert any("given up" in line["message"] for line in logged.lines)
    wechat_order.refresh_from_db()
    assert wechat_order.deliver_code not in logged.words
    assert_silent_about(fake_wechat, open_id_of(person), logged)


@pytest.mark.django_db(transaction=True)
def test_background_work(fake_wechat, person, wechat_order, prepaid, logged, now):
    """Also over a row that can't be read, with WeChat away."""
    open_id = open_id_of(person)
    wechat_order.group_buying.orders.update(pay_deadline_at=now - timedelta(minutes=1), address=ADDRESS, remark=REMARK)
    wechat_order.payments.update(next_check_at=now, parameters=PHONE)
    fake_wechat.control("fault", kind="reset", times=20)
    with pytest.raises(CommandError, match="expire, reconcile"):
        call_command("work", "--once", stdout=StringIO())
    assert {(line["name"], line["levelname"]) for line in logged.lines} >= {("retail.jobs", "ERROR")}
    assert {"run_id", "job"} <= logged.of("retail.jobs")[0].keys()
    assert_silent_about(fake_wechat, open_id, logged)
