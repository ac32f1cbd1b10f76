"""The mini-program code of a share: whoever scans it comes into the mini-program, and counts as the sharer's visitor."""

from django.core.cache import cache

from groupbuy.models import Share
from retail import mini_program
from retail.refusals import Unavailable
from shops import configuration

# A code never changes, and WeChat draws 5,000 a minute.
KEPT_SECONDS = 24 * 60 * 60


def page_for(*, tenant_id: int, shop_id: int) -> str:
    """The mini-program's page of a group buy; empty without a mini-program, or until the tenant has named it."""
    if not mini_program.is_real():
        return ""
    return str(configuration.value_of(code="share_page", tenant_id=tenant_id, shop_id=shop_id))


def picture_of(share: Share) -> bytes:
    """The code, a PNG or JPEG. It opens the page with ``scene`` ``g=<group buy>&s=<share>``. Raises Unavailable where none can be had."""
    group_buying = share.group_buying
    page = page_for(tenant_id=group_buying.tenant_id, shop_id=group_buying.shop_id)
    if not page:
        raise Unavailable
    key = f"share-code-{share.pk}-{page}"
    picture: bytes | None = cache.get(key)
    if picture is None:
        try:
            scene = f"g={group_buying.pk}&s={share.pk}"
            picture = mini_program.share_code(tenant=group_buying.tenant, scene=scene, page=page)
        except mini_program.Refused as error:
            raise Unavailable from error
        cache.set(key, picture, KEPT_SECONDS)
    return picture
