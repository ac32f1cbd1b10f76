"""Pictures that staff upload: believed only after decoding, and stored as we write them ourselves."""

import io
import secrets
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps

from retail.wire.errors import Invalid

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


class PictureField(forms.FileField):
    """A form's upload of a picture, through ``clean_picture``. Not Django's ImageField, which opens the file before any limit."""

    widget = forms.ClearableFileInput

    def to_python(self, upload: Any) -> Any:
        upload = super().to_python(upload)
        if upload is None:
            return None
        try:
            return clean_picture(upload=upload)
        except Invalid as error:
            raise ValidationError(error.message, code="invalid_image") from error

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return super().widget_attrs(widget) | {"accept": "image/jpeg,image/png,image/webp"}
