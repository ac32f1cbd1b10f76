from datetime import datetime

import pytest

from groupbuy.models import GroupBuying, Order
from retail.models import User
from retail.principals import Principal, principal_of
from tests.support.pages import ordered


@pytest.fixture
def caller(buyer: User) -> Principal:
    """What the services are told of the buyer."""
    return principal_of(buyer)


@pytest.fixture
def order(buyer: User, group_buying: GroupBuying, now: datetime) -> Order:
    """Two units at 9.90, unpaid."""
    return ordered(buyer, group_buying, now=now, qty=2)
