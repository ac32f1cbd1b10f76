"""The fake WeChat is as strict as the real one where our gateway could go wrong, and is for this machine only."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from django.core.management import CommandError, call_command

from groupbuy import fake_wechat as package
from groupbuy.fake_wechat import FakeWeChat, load_or_make
from groupbuy.fake_wechat.notifier import SCHEDULE
from groupbuy.payments.gateways.accounts import merchant_of_environment
from groupbuy.payments.gateways.wechat.client import client_of
from tests.support.wechat import house_merchant, pay, wait_until

ORDER = {
    "description": "红富士苹果 × 2",
    "out_trade_no": "2611220001P1",
    "amount": {"total": 1980, "currency": "CNY"},
    "payer": {"openid": "o123"},
    "notify_url": "http://127.0.0.1:9/notify",
}


@pytest.fixture
def wx(fake_wechat, settings):
    """The library itself, with good keys."""
    return client_of(merchant_of_environment(), settings.WECHAT_PAY_BASE_URL, (1, 2))


def order(fake, wx, **changes) -> tuple[int, dict]:
    status, text = wx.pay(**(ORDER | {"appid": house_merchant(fake).app_id} | changes))
    return status, json.loads(text)


def code(answer) -> tuple[int, str]:
    status, text = answer
    return status, json.loads(text)["code"]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::"])  # noqa: S104
def test_it_does_not_listen_to_other_machines(fake_wechat, host):
    with pytest.raises(ValueError, match="this machine"):
        FakeWeChat(house_merchant(fake_wechat), host=host)
    with pytest.raises(CommandError):
        call_command("fake_wechat", host=host)


def test_it_imports_nothing_of_ours():
    known = [f"import sys; sys.path.insert(0, {str(Path(package.__file__).parents[2])!r}); import groupbuy.fake_wechat"]
    check = "; ".join([*known, "print([name for name in sys.modules if name.split('.')[0] in ('django', 'retail', 'shops', 'config')])"])
    assert subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_the_same_number_again_needs_the_same_words(fake_wechat, wx):
    status, first = order(fake_wechat, wx)
    assert (status, order(fake_wechat, wx)) == (200, (200, first))
    assert order(fake_wechat, wx, description="梨")[1]["code"] == "INVALID_REQUEST"


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": {"total": 19.8}},
        {"amount": {"total": 0}},
        {"payer": {"openid": ""}},
        {"out_trade_no": "a/b?c=d"},
        {"notify_url": "http://x.cn"},
    ],
)
def test_wrong_words_are_a_parameter_error(fake_wechat, wx, changes):
    assert order(fake_wechat, wx, **changes)[1]["code"] == "PARAM_ERROR"


def test_a_trade_is_closed_paid_and_asked_for_as_documented(fake_wechat, wx):
    number = ORDER["out_trade_no"]
    assert code(wx.query(out_trade_no=number)) == (404, "ORDER_NOT_EXIST")
    prepay_id = order(fake_wechat, wx)[1]["prepay_id"]
    pay(fake_wechat, prepay_id)
    assert code(wx.close(out_trade_no=number)) == (400, "ORDERPAID")
    assert order(fake_wechat, wx)[1]["code"] == "ORDERPAID"
    assert json.loads(wx.query(out_trade_no=number)[1])["trade_state"] == "SUCCESS"


def test_closing_again_is_harmless(fake_wechat, wx):
    order(fake_wechat, wx)
    assert [wx.close(out_trade_no=ORDER["out_trade_no"])[0] for _ in range(2)] == [204, 204]
    assert order(fake_wechat, wx)[1]["code"] == "ORDER_CLOSED"


def test_refunds_never_exceed_what_was_paid(fake_wechat, wx):
    number = ORDER["out_trade_no"]
    pay(fake_wechat, order(fake_wechat, wx)[1]["prepay_id"])

    def refund(out_refund_no, fen):
        return wx.refund(out_refund_no=out_refund_no, out_trade_no=number, amount={"refund": fen, "total": 1980, "currency": "CNY"})

    assert [refund("R1", 1000)[0], refund("R1", 1000)[0], refund("R2", 980)[0]] == [200, 200, 200]
    assert code(refund("R3", 1)) == (400, "INVALID_REQUEST")
    assert code(refund("R1", 999)) == (400, "INVALID_REQUEST")
    assert code(wx.query_refund("R9")) == (404, "RESOURCE_NOT_EXISTS")


def test_a_refund_may_succeed_by_itself(fake_wechat, wx, monkeypatch):
    monkeypatch.setattr(fake_wechat, "refund_seconds", 0.01)
    pay(fake_wechat, order(fake_wechat, wx)[1]["prepay_id"])
    wx.refund(out_refund_no="R1", out_trade_no=ORDER["out_trade_no"], amount={"refund": 5, "total": 1980, "currency": "CNY"})
    wait_until(lambda: json.loads(wx.query_refund("R1")[1])["status"] == "SUCCESS")


def test_a_request_that_is_not_signed_is_refused(fake_wechat):
    answer = requests.post(f"{fake_wechat.url}/v3/pay/transactions/jsapi", json=ORDER, timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")


def test_wechat_tries_fifteen_more_times_in_24_hours_and_4_minutes():
    assert (len(SCHEDULE), sum(SCHEDULE)) == (15, 24 * 3600 + 4 * 60)


def test_a_notification_that_nobody_takes_is_sent_again(fake_wechat, wx):
    fake_wechat.control("hold", on=False)
    pay(fake_wechat, order(fake_wechat, wx)[1]["prepay_id"])
    message = fake_wechat.notifier.messages[0]
    wait_until(lambda: len(message.answers) >= 4)
    assert set(message.answers) == {0}


def test_the_controls_are_reachable_over_http(fake_wechat, wx):
    prepay_id = order(fake_wechat, wx)[1]["prepay_id"]
    paid = requests.post(f"{fake_wechat.url}/_control/pay", json={"number": prepay_id}, timeout=5)
    assert paid.json()["transaction_id"].startswith("42000")
    assert requests.get(f"{fake_wechat.url}/_control/state", timeout=5).json()["trades"][0]["state"] == "SUCCESS"
    assert requests.post(f"{fake_wechat.url}/_control/fault", json={"kind": "nonsense"}, timeout=5).status_code == 400
    assert requests.post(f"{fake_wechat.url}/_control/nothing", timeout=5).status_code == 404


def test_the_notifications_can_be_repeated_and_reordered(fake_wechat, wx):
    pay(fake_wechat, order(fake_wechat, wx)[1]["prepay_id"])
    fake_wechat.control("deliver", times=3)
    assert fake_wechat.notifier.messages[0].answers == [0, 0, 0]


def test_the_keys_of_a_folder_stay_the_same(tmp_path):
    first, again = (load_or_make(tmp_path / "keys", mch_id="1900000001", app_id="wx1") for _ in range(2))
    assert (first.private_pem, first.api_v3_key) == (again.private_pem, again.api_v3_key)
    assert (tmp_path / "keys").stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_the_command_prints_the_environment_that_it_serves(tmp_path):
    arguments = [sys.executable, "manage.py", "fake_wechat", "--port", "0", "--folder", str(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        lines = [process.stdout.readline().strip() for _ in range(12)]
        words = dict(line.split("=", 1) for line in lines)
        alive = requests.get(f"{words['WECHAT_PAY_BASE_URL']}/_control/state", timeout=5).status_code
        process.terminate()
    assert alive == 200
    assert words["WECHAT_MCH_ID"] == "1900000001"
    assert "PRIVATE KEY" in Path(words["WECHAT_MCH_PRIVATE_KEY_FILE"]).read_text()
    assert len(words["WECHAT_PAY_API_V3_KEY"]) == 32
