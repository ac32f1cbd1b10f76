"""What no address may hold is refused before any view looks it up."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.support.back_office import fill, page
from tests.support.pages import BACKEND, words

pytestmark = pytest.mark.django_db
DIGITS = "9" * 30
ADDRESSES = [
    "/o/a%00b/",
    "/sandbox/pay/%00/",
    "/g/1/?share=%00",
    "/admin/autocomplete/?app_label=groupbuy&model_name=groupbuying&field_name=product&term=%00",
    "/admin/groupbuy/groupbuying/add/?product=%00",
    "/admin/groupbuy/order/?q=a%00b",
    "/admin/groupbuy/order/%00/change/",
    "/media/%00",
    "/nobody/%00/",
]


def asking_nobody() -> Client:
    return Client(raise_request_exception=False)


def asking(user) -> Client:
    client = asking_nobody()
    client.force_login(user, backend=BACKEND)
    return client


@pytest.mark.parametrize("who", ["buyer", "manager"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_with_a_nul_is_bad(request, who, address):
    answer = asking(request.getfixturevalue(who)).get(address)
    assert answer.status_code == 400
    assert "请求有误" in words(answer)


@pytest.mark.parametrize("path", ["/", "/orders/", "/admin/", "/api/shop/getlist"])
@pytest.mark.parametrize("name", ["sessionid", "csrftoken", "django_language", "messages"])
def test_a_cookie_with_a_nul_is_bad(path, name):
    assert Client(raise_request_exception=False).get(path, HTTP_COOKIE=rf'{name}="\000{"a" * 31}"').status_code == 400


ODD_CODES = ["unicode_escape", "utf-16", "utf-7", "gbk", "idna", "rot13", "hex", "undefined"]


@pytest.mark.parametrize("code", ODD_CODES)
@pytest.mark.parametrize("path", ["/admin/login/", "/g/{}/"])
def test_a_form_in_another_encoding_is_bad(group_buying, path, code):
    body = b'--B\r\nContent-Disposition: form-data; name="username"\r\n\r\n\\ud800\xff\r\n--B--\r\n'
    kind = f"multipart/form-data; boundary=B; charset={code}"
    answer = asking_nobody().generic("POST", path.format(group_buying.pk), body, kind)
    assert answer.status_code == 400
    assert "请求有误" in words(answer)


@pytest.mark.parametrize("query", ["q=%5Cx00", "q=%5Cud800"])
def test_a_query_in_another_encoding_is_bad(manager, query):
    sent = {"CONTENT_TYPE": "text/plain; charset=unicode_escape", "QUERY_STRING": query}
    answer = asking(manager).generic("GET", "/admin/groupbuy/order/", **sent)
    assert answer.status_code == 400


@pytest.mark.parametrize("code", ["utf-8", "UTF8", "utf_8", "nonsense"])
def test_a_form_in_utf_8_is_read_however_that_is_spelt(code):
    body = b'--B\r\nContent-Disposition: form-data; name="username"\r\n\r\nx\r\n--B--\r\n'
    assert asking_nobody().generic("POST", "/admin/login/", body, f"multipart/form-data; boundary=B; charset={code}").status_code == 200


def test_an_api_call_with_a_nul_keeps_its_envelope(api, manager):
    answer = api.as_user(manager).send("GET", "/api/shop/getlist", "keyword=a%00b", b"")
    assert (answer.status_code, answer.json()["status"]) == (400, 500)


@pytest.mark.parametrize("address", ["/s/{}/", "/g/{}/", "/g/{}/news/", "/g/1/share/{}/code/", "/admin/groupbuy/order/{}/change/"])
@pytest.mark.parametrize("digits", [DIGITS, str(2**63)])
def test_an_id_beyond_every_database_is_nobodys(manager, address, digits):
    assert asking(manager).get(address.format(digits)).status_code == 404


@pytest.mark.parametrize("kind", ["change", "delete"])
def test_a_page_that_is_found_by_a_field_without_name_is_no_crash(manager, shop, kind):
    order = fill(shop, manager)
    assert asking(manager).get(page(order, kind), {"_to_field": ""}).status_code in (200, 403)


@pytest.mark.parametrize("value", [DIGITS, str(2**63), "abc", "-1", "１２"])
@pytest.mark.parametrize(
    ("model", "name"), [("groupbuy_groupbuying", "product"), ("groupbuy_groupbuying", "shop"), ("pricing_shopproduct", "product")]
)
def test_a_form_opens_whatever_its_address_proposes(headquarters, shop, model, name, value):
    assert asking(headquarters).get(reverse(f"admin:{model}_add"), {name: value}).status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize("value", [DIGITS, "abc", ""])
def test_a_form_that_names_no_row_is_shown_again(headquarters, shop, value):
    answer = asking(headquarters).post(reverse("admin:groupbuy_groupbuying_add"), {"product": value, "shop": value})
    assert answer.status_code == 200
    answer = asking(headquarters).post(reverse("admin:retail_user_add"), {"username": "new", "role": "clerk", "shops": value})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "narrowed",
    [f"deliver_type__in={DIGITS}", "status__in=1,-99999999999999999999", "status__regex=(", "paid_at__year=99999", "shop__gte=x"],
)
def test_a_list_is_narrowed_by_nothing_that_it_does_not_offer(manager, shop, narrowed):
    # Refused, or led back to the whole list with a sentence.
    assert asking(manager).get(f"/admin/groupbuy/order/?{narrowed}").status_code in (302, 400)
    assert asking(manager).get("/admin/groupbuy/order/?deliver_type__exact=1&stage=paid,arrived").status_code == 200


@pytest.mark.parametrize("value", ["abc", DIGITS, str(2**63), "-1", "", "%_\\", "1,2"])
def test_an_action_on_what_is_no_row_is_refused_and_does_nothing(manager, shop, value):
    order = fill(shop, manager)
    browser = asking(manager)
    lists = reverse("admin:groupbuy_order_changelist")
    page_of_list = browser.get(lists).content.decode()
    assert 'value="deliver"' in page_of_list
    answer = browser.post(lists, {"action": "deliver", "_selected_action": [order.pk, value]})
    assert answer.status_code == 400
    order.refresh_from_db()
    assert order.status == 1


@pytest.mark.parametrize("length", [20, 256, 3000])
def test_a_name_longer_than_any_is_a_wrong_one_like_others(length):
    answer = Client(raise_request_exception=False).post("/admin/login/", {"username": "x" * length, "password": "y" * 3000})
    assert answer.status_code == 200


def test_a_way_back_that_sounds_like_a_view_is_no_crash(buyer):
    answer = asking(buyer).post("/leave/", {"next": "abc"})
    assert (answer.status_code, answer["Location"]) == (302, "abc")
