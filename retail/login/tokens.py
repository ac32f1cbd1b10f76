"""The bearer tokens of buyers and staff: knox's, found by their hash in one statement."""

from django.db.models import F
from django.utils import timezone
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed

from retail.database.prepared_query import Prepared
from retail.models import User

HOLDER = Prepared(
    lambda digest: User.objects.filter(auth_token_set__digest=digest).counting().annotate(token_ends_at=F("auth_token_set__expiry")),
    "digest",
)


class BearerAuthentication(TokenAuthentication):  # type: ignore[misc]
    """An opaque token, kept as a hash, that ends by itself."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, AuthToken]:
        """Knox compares the hashes of all tokens with the same beginning and clears ended ones away, with three statements and more;
        a hash is its table's key, and ``wechat_and_password.issue_token`` does the clearing. Raises AuthenticationFailed."""
        digest = hash_token(token.decode(errors="replace"))
        user = HOLDER.first(digest)
        if user is None or not user.is_active:
            raise AuthenticationFailed
        ends_at = user.token_ends_at
        if ends_at and ends_at <= timezone.now():
            raise AuthenticationFailed
        return user, AuthToken(digest=digest, user=user, expiry=ends_at)
