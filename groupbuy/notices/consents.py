"""What buyers agree to be told of: WeChat lets one message through for each consent, and doesn't say how many are left."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy

from groupbuy.models import Consent
from groupbuy.notices.messages import Kind
from retail.principals import Principal
from retail.refusals import Forbidden, Invalid
from retail.rights import Right
from shops.models import ConfigValue


class UnknownTemplate(Invalid):
    message = gettext_lazy("templateId: 不是本商家的消息模板")


@transaction.atomic
def save(*, template_id: str, accepted: bool, principal: Principal, now: datetime) -> None:
    """Count one more message that the buyer agrees to; a no takes nothing back of what was agreed to. Raises Forbidden, UnknownTemplate."""
    principal.must(Right.CONSENT_TO_MESSAGES)
    if principal.user is None:
        raise Forbidden
    if template_id not in templates_of(principal.tenant_id):
        raise UnknownTemplate
    if accepted:
        Consent.objects.bulk_create([Consent(user=principal.user, template_id=template_id, updated_at=now)], ignore_conflicts=True)
        Consent.objects.of(principal.user, template_id).add(now)


def templates_of(tenant_id: int | None) -> set[str]:
    """The ids of the templates that the tenant or one of its shops has set, of whatever kind."""
    codes = [f"message_{kind}" for kind in Kind]
    texts = ConfigValue.objects.filter(tenant=tenant_id, item__code__in=codes).values_list("value", flat=True)
    return {words[0] for words in (text.split() for text in texts) if words}
