"""Which gateway takes the money of a tenant."""

from django.conf import settings

from groupbuy.gateways import Misconfigured, PaymentGateway
from groupbuy.models import Gateway
from groupbuy.sandbox import SandboxGateway
from retail.models import Tenant


def gateway_for(tenant: Tenant) -> PaymentGateway:
    """The gateway that new payments of ``tenant`` go to. Raises Misconfigured."""
    return gateway_named(settings.PAYMENT_GATEWAY, tenant)


def gateway_named(name: str, tenant: Tenant) -> PaymentGateway:
    """The gateway that an existing payment went to: a sandbox payment stays one, whatever the settings say now."""
    if name == Gateway.SANDBOX:
        return SandboxGateway()
    raise Misconfigured(f"no gateway {name}")
