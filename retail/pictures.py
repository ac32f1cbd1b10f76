"""Pictures that staff upload: believed only after decoding, and stored as we write them ourselves."""

import io
import logging
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.db.models.fields.files import FieldFile
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps

from retail.database import faults
from retail.refusals import Invalid, Unavailable

log = logging.getLogger(__name__)

BYTES_MAX = 5 * 1024 * 1024
PIXELS_MAX = 25_000_000
# The longest side as stored: more than any phone shows, a tenth of what its camera sends.
SIDE_MAX = 1600
FORMATS = ("JPEG", "PNG", "WEBP")


class NotAPicture(Invalid):
    message = _("请上传 JPEG、PNG 或 WebP 图片")


class TooHeavy(Invalid):
    message = _("图片不能超过 5 MB")


class TooManyPixels(Invalid):
    message = _("图片不能超过 2500 万像素")


class NotStored(Unavailable):
    """The disk of the pictures is full, or not ours to write."""

    message = _("图片没有保存成功，服务器的存储空间可能已满，其他内容也没有改动。请联系管理员，稍后再试")


class PictureStorage(FileSystemStorage):
    """Files are whole or not there. Raises NotStored."""

    def _save(self, name: str, content: Any) -> str:
        try:
            return str(super()._save(name, content))  # type: ignore[misc]
        except OSError as error:
            log.error("a picture can't be stored: %s", faults.cause_of(error))
            # Its name is random: what lies there was begun here.
            with suppress(OSError):
                self.delete(name)
            raise NotStored from error


@contextmanager
def kept_with(made: Iterable[forms.BaseForm]) -> Iterator[None]:
    """When what is done inside fails, the pictures that it stored for ``made`` go too: rows are rolled back, files know no transaction."""
    try:
        yield
    except Exception:
        for form in made:
            take_back(form)
        raise


def take_back(form: forms.BaseForm) -> None:
    uploads = [name for name, sent in getattr(form, "cleaned_data", {}).items() if isinstance(sent, UploadedFile)]
    for name in uploads:
        # Of the uploads alone: a row that isn't there yet can't be asked for its relations.
        stored = getattr(getattr(form, "instance", None), name, None)
        if isinstance(stored, FieldFile) and stored._committed:  # type: ignore[attr-defined]
            stored.delete(save=False)


def clean_picture(*, upload: "UploadedFile[bytes]") -> SimpleUploadedFile:
    """``upload`` decoded and written anew, upright, without metadata, at most 1600 pixels long, under a random name.

    The size is checked before anything is decoded. Raises NotAPicture, TooHeavy (5 MB), TooManyPixels (25 million).
    """
    if (upload.size or 0) > BYTES_MAX:
        raise TooHeavy
    try:
        return written_anew(upload)
    except (TooManyPixels, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixels from error
    except Exception as error:
        # Decoders raise whatever they like on hostile bytes: OSError, SyntaxError, ValueError, struct.error, zlib.error …
        raise NotAPicture from error


def written_anew(upload: "UploadedFile[bytes]") -> SimpleUploadedFile:
    with Image.open(upload, formats=FORMATS) as opened:
        if opened.width * opened.height > PIXELS_MAX:
            raise TooManyPixels
        picture: Image.Image = ImageOps.exif_transpose(opened)
        picture.thumbnail((SIDE_MAX, SIDE_MAX))
        see_through = picture.has_transparency_data
        picture = picture.convert("RGBA" if see_through else "RGB")
    # Comments, profiles: what a format writes unasked.
    picture.info.clear()
    written = io.BytesIO()
    if see_through:
        picture.save(written, "PNG", optimize=True)
    else:
        picture.save(written, "JPEG", quality=85, optimize=True, progressive=True)
    suffix, content_type = (".png", "image/png") if see_through else (".jpg", "image/jpeg")
    return SimpleUploadedFile(secrets.token_hex(16) + suffix, written.getvalue(), content_type)


def clean_ahead(uploads: Iterable[Any]) -> None:
    """Decode ``uploads`` before any row is held, so that nobody waits for it. What is wrong with one its own field says later."""
    for upload in uploads:
        with suppress(Invalid):
            cleaned(upload)


def cleaned(upload: "UploadedFile[bytes]") -> SimpleUploadedFile:
    """``clean_picture``, once for each upload. Raises what that raises, each time."""
    if not hasattr(upload, "cleaned"):
        try:
            upload.cleaned = clean_picture(upload=upload)  # type: ignore[attr-defined]
        except Invalid as error:
            upload.cleaned = error  # type: ignore[attr-defined]
    outcome: SimpleUploadedFile | Invalid = upload.cleaned  # type: ignore[attr-defined]
    if isinstance(outcome, Invalid):
        raise outcome
    return outcome


class PictureField(forms.FileField):
    """A form's upload of a picture, through ``cleaned``. Not Django's ImageField, which opens the file before any limit."""

    widget = forms.ClearableFileInput

    def to_python(self, upload: Any) -> Any:
        upload = super().to_python(upload)
        if upload is None:
            return None
        try:
            return cleaned(upload)
        except Invalid as error:
            raise ValidationError(error.message, code="invalid_image") from error

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return super().widget_attrs(widget) | {"accept": "image/jpeg,image/png,image/webp"}
