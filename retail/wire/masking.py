"""What is left of a text for a caller who may not read it (``docs/api.md``, the masking table). Whom it concerns, serializers know."""

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
