"""The bearer tokens of buyers and staff: knox's, without its housekeeping in every request."""

from django.utils import timezone
from knox.auth import TokenAuthentication
from knox.models import AuthToken


class BearerAuthentication(TokenAuthentication):  # type: ignore[misc]
    """An opaque token, kept as a hash, that ends by itself."""

    def _cleanup_token(self, auth_token: AuthToken) -> bool:
        """Whether the token has ended. Knox reads all tokens of the person here; ``identities.issue_token`` clears them away."""
        return bool(auth_token.expiry and auth_token.expiry <= timezone.now())
