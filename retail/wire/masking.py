"""What is left of a text for a caller who may not read it (``docs/api.md``, the masking table). Whom it concerns, serializers know."""

from retail.principals import Principal, Role

PHONE_LENGTH_MIN = 8


def mask_phone(phone: str) -> str:
    """``13800008000`` → ``138****8000``; too short to keep both ends: only stars."""
    if len(phone) < PHONE_LENGTH_MIN:
        return "****" if phone else ""
    return f"{phone[:3]}****{phone[-4:]}"


def mask_name(name: str) -> str:
    """The first character and two stars."""
    return f"{name[:1]}**" if name else ""


def mask_open_id(open_id: str) -> str:
    """The first four characters and four stars."""
    return f"{open_id[:4]}****" if open_id else ""


def sees_keys(principal: Principal) -> bool:
    """Managers and headquarters see appKeys, addresses of devices, and who changed a price; clerks and devices don't."""
    return principal.role in (Role.MANAGER, Role.HEADQUARTERS, Role.PLATFORM)


def sees_app_secret(principal: Principal) -> bool:
    """Headquarters with the right "see secret"; nobody else, whatever rights a person has been given."""
    return principal.role == Role.HEADQUARTERS and principal.sees_secrets
