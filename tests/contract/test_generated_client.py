"""A client that nobody of us wrote: generated from the schema that the running server gives, it buys, pays, picks up and closes."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from groupbuy.models import GroupBuying
from tests.contract.specification import METHODS
from tests.contract.test_golden import file_of

PACKAGE = "generated_xiantuan"
PHONE = "13800138000"


@pytest.fixture(scope="module")
def folder(live_server, tmp_path_factory) -> Iterator[Path]:
    """Where the generated package lies; it can be imported."""
    made = tmp_path_factory.mktemp("client")
    (made / "config.yml").write_text("post_hooks: []\n")
    generate = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--fail-on-warning"]
    where = ["--url", f"{live_server.url}/api/schema/", "--output-path", str(made / PACKAGE), "--config", str(made / "config.yml")]
    done = subprocess.run([*generate, *where], capture_output=True, text=True, check=False)
    assert (done.returncode, "arning" in done.stdout + done.stderr) == (0, False), done.stdout + done.stderr
    sys.path.insert(0, str(made))
    yield made
    sys.path.remove(str(made))


@pytest.fixture(scope="module")
def models(folder) -> ModuleType:
    return importlib.import_module(f"{PACKAGE}.models")


def operation(path: str) -> ModuleType:
    """The generated module of an endpoint."""
    tag, name = path.split("/")[-2:]
    return importlib.import_module(f"{PACKAGE}.api.{tag}.{tag}_{name}")


class Caller:
    """Calls the generated functions against ``site``; with ``token``, as its bearer."""

    def __init__(self, site: str, token: str = "") -> None:
        made = importlib.import_module(f"{PACKAGE}.client")
        self.client = made.AuthenticatedClient(site, token=token) if token else made.Client(site)

    def __call__(self, path: str, **arguments: Any) -> Any:
        answer = operation(path).sync_detailed(client=self.client, **arguments)
        assert answer.status_code == 200, answer.content.decode()
        # Nothing of the answer is lost: the models have no room for what the schema doesn't name.
        assert answer.parsed.to_dict() == json.loads(answer.content)
        return answer.parsed


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_generated_client_goes_the_whole_way_of_an_order(live_server, settings, models, group_buying: GroupBuying):
    settings.DEFAULT_TENANT = group_buying.tenant.code
    api, site = "/api/marketing/groupbuy/", live_server.url
    login = Caller(site)("/api/auth/wechatlogin", body=models.WeChatLoginRequest(code="sandbox:amy", user_name="Amy"))
    assert (login.status, login.data.role, login.data.open_id) == (200, "buyer", "sandbox-amy")
    call = Caller(site, login.data.token)

    offered = call(api + "get", id=group_buying.pk)
    assert (offered.name, offered.stock) == (group_buying.name, group_buying.stock)
    wish = models.CreateOrderRequest(group_buying_id=offered.id, qty=2, money=offered.price * 2, phone=PHONE)
    first = call(api + "createorder", body=wish, idempotency_key="first-1").data
    assert call(api + "createorder", body=wish, idempotency_key="first-1").data == first

    bill = call(api + "orderpay", body=models.PayRequest(order_id=first)).data
    assert call(api + "checkorderpay", body=models.OrderIdRequest(id=first)).status == 703
    assert httpx.post(f"{site}/sandbox/pay/{bill.pre_pay_id}/", data={"outcome": "pay"}).status_code == 200
    assert call(api + "checkorderpay", body=models.OrderIdRequest(id=first)).status == 701
    bought = call(api + "getorder", id=first)
    assert (bought.status, bought.user_name, bought.money) == (1, "Amy", offered.price * 2)
    assert len(bought.deliver_code) == 8
    assert bought.pay_time is not None

    second = call(api + "createorder", body=wish).data
    assert call(api + "closeorder", body=models.OrderIdRequest(id=second)).status == 200
    assert [order.status for order in call(api + "getorderlist").data] == [6, 1]
    refused = call(api + "orderpay", body=models.PayRequest(order_id=second))
    assert (refused.status, refused.data) == (1001, None)
    assert call(api + "get", id=group_buying.pk).stock == offered.stock - 2


@pytest.mark.parametrize("path", METHODS)
def test_the_generated_models_hold_every_answer_of_the_golden_files(folder, path):
    for example in json.loads(file_of(path).read_text(encoding="utf-8"))["examples"]:
        answer = httpx.Response(example["http"], json=example["answer"])
        client = importlib.import_module(f"{PACKAGE}.client").Client("http://127.0.0.1")
        parsed = operation(path)._parse_response(client=client, response=answer)
        rows = [row.to_dict() for row in parsed] if isinstance(parsed, list) else parsed.to_dict()
        assert rows == example["answer"]
