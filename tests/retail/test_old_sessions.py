"""Sessions that began before the modules had rooms: a visitor's is all that leads to the pick-up code."""

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, authenticate

from tests.support.pages import browser_of, ordered

pytestmark = pytest.mark.django_db


def test_a_session_from_before_still_shows_its_orders(buyer, group_buying, now):
    order = ordered(buyer, group_buying, now=now)
    browser = browser_of(buyer)
    session = browser.session
    session[BACKEND_SESSION_KEY] = "retail.people.PeopleBackend"
    session.save()
    assert browser.get(f"/o/{order.code}/").status_code == 200


def test_the_old_place_lets_nobody_log_in(clerk, rf, monkeypatch):
    clerk.set_password("a-long-word-for-this-test")
    clerk.save()
    monkeypatch.setattr("retail.login.backend.PeopleBackend.authenticate", lambda *_sent, **_named: None)
    assert authenticate(rf.post("/"), username=clerk.username, password="a-long-word-for-this-test") is None
