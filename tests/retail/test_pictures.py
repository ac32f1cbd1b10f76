"""Pictures are believed after decoding and stored as we write them."""

import io
import struct
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from PIL import Image

from retail import pictures
from retail.models import ProductImage
from tests.support import factories
from tests.support.back_office import edit
from tests.support.pages import browser_of


def drawn(fmt="JPEG", size=(40, 30), mode="RGB", **options):
    written = io.BytesIO()
    Image.new(mode, size, "#15803d").save(written, fmt, **options)
    return written.getvalue()


def upload(content, name="a.png", content_type="image/png"):
    return SimpleUploadedFile(name, content, content_type)


def cleaned(content, **named):
    return pictures.clean_picture(upload=upload(content, **named))


def bomb(width, height):
    """A PNG of few bytes that says it is huge."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_written_anew_under_a_random_name(fmt):
    names = {cleaned(drawn(fmt), name="../../evil.php").name for _ in range(2)}
    assert len(names) == 2
    assert all(len(name) == 36 and name.endswith(".jpg") for name in names)


def test_a_see_through_picture_stays_see_through():
    written = cleaned(drawn("PNG", mode="RGBA"))
    assert written.name.endswith(".png")
    assert Image.open(written).mode == "RGBA"


def test_metadata_is_gone_and_the_picture_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010E] = "at home, 31.2N 121.4E"
    written = cleaned(drawn("JPEG", exif=exif))
    picture = Image.open(written)
    assert picture.size == (30, 40)
    assert not picture.getexif()
    assert b"at home" not in written.read()


@pytest.mark.parametrize(("fmt", "mode"), [("JPEG", "RGB"), ("PNG", "RGB"), ("PNG", "RGBA"), ("WEBP", "RGBA")])
def test_comments_and_profiles_are_gone(fmt, mode):
    content = drawn(fmt, mode=mode, comment=b"at home <script>", icc_profile=b"at home" * 20, xmp=b"<x>at home</x>")
    assert b"at home" not in cleaned(content).read()


def test_a_photograph_becomes_as_long_as_a_screen_needs():
    assert Image.open(cleaned(drawn(size=(4000, 3000)))).size == (1600, 1200)


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"",
        b"\x89PNG\r\n\x1a\n garbage",
        drawn("GIF"),
        drawn("BMP"),
        drawn("JPEG")[:200],
    ],
    ids=["svg", "html", "empty", "garbage", "gif", "bmp", "cut off"],
)
def test_what_is_no_picture_of_ours_is_refused(content):
    with pytest.raises(pictures.NotAPicture):
        cleaned(content, name="harmless.png")


@pytest.mark.parametrize("size", [(5001, 5000), (20_000, 20_000), (60_000, 60_000)])
def test_a_bomb_is_refused_before_it_is_decoded(size):
    with pytest.raises(pictures.TooManyPixels):
        cleaned(bomb(*size))


def test_a_file_beyond_5_mb_is_refused_unread():
    with pytest.raises(pictures.TooHeavy):
        cleaned(b"0" * (5 * 1024 * 1024 + 1))


def form_of(product):
    form = {"name": "苹果", "code": product.code, "product_class": product.product_class_id, "unit": "斤", "pricing_type": 0}
    form |= {"storage": "ambient", "pack_size": 0, "price": "5.90", "member_price": "5.50", "in_use": "on", "images-0-sort": 0}
    return form | {"images-TOTAL_FORMS": 1, "images-INITIAL_FORMS": 0, "images-MIN_NUM_FORMS": 0, "images-MAX_NUM_FORMS": 1000}


@pytest.mark.django_db
def test_the_admin_takes_a_picture_and_says_what_is_wrong_with_another(headquarters):
    product = factories.ProductFactory(tenant=headquarters.tenant)
    form = form_of(product)
    browser = browser_of(headquarters)
    refused = edit(browser, product, form | {"images-0-image": upload(b"<svg/>", "a.png")})
    assert "请上传 JPEG、PNG 或 WebP 图片" in refused.content.decode()
    edit(browser, product, form | {"images-0-image": upload(drawn(), "我的照片.png")})
    image = ProductImage.objects.get().image
    assert image.name.startswith("products/")
    assert image.name.endswith(".jpg")
    assert Image.open(image).format == "JPEG"


@pytest.mark.django_db(transaction=True)
def test_a_picture_is_decoded_once_and_before_its_row_is_held(headquarters, monkeypatch):
    product = factories.ProductFactory(tenant=headquarters.tenant)
    held = []
    written_anew = pictures.written_anew

    def watched(upload):
        held.append(connection.in_atomic_block)
        return written_anew(upload)

    monkeypatch.setattr(pictures, "written_anew", watched)
    edit(browser_of(headquarters), product, form_of(product) | {"images-0-image": upload(drawn())})
    assert ProductImage.objects.count() == 1
    assert held == [False]
