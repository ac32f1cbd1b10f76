"""The pictures of produce that ship with the project (``config/demo_pictures``), and which product shows which."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

FOLDER = Path(settings.BASE_DIR) / "config" / "demo_pictures"


@dataclass(frozen=True)
class Rules:
    """``pictures.json``: the first word that a name contains wins."""

    words: tuple[tuple[str, str], ...]
    fruit: str
    vegetable: str


def copy_pictures() -> None:
    """Put every picture where uploads are stored; what is there already stays."""
    for path in sorted(FOLDER.glob("*.webp")):
        if not default_storage.exists(stored(path.name)):
            with path.open("rb") as picture:
                default_storage.save(stored(path.name), File(picture))


def stored(picture: str) -> str:
    """The name under which an image column knows a picture of the folder; rows share one file."""
    return f"demo/{picture}"


@cache
def rules() -> Rules:
    chosen = json.loads((FOLDER / "pictures.json").read_text(encoding="utf-8"))
    words = tuple((word, rule["picture"]) for rule in chosen["rules"] for word in rule["words"] if word)
    return Rules(words, chosen["fruit_fallback"], chosen["vegetable_fallback"])


def picture_for(name: str, *, is_fruit: bool) -> str:
    """The picture of a product of that name."""
    fallback = rules().fruit if is_fruit else rules().vegetable
    return next((picture for word, picture in rules().words if word in name), fallback)
