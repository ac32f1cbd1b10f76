"""The keys of both sides: signatures and encryption as WeChat Pay v3 documents them."""

import json
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256


@dataclass(frozen=True)
class Merchant:
    """A merchant number with all its keys; the platform's private key is WeChat's side."""

    mch_id: str
    app_id: str
    app_secret: str
    cert_serial: str
    api_v3_key: str
    public_key_id: str
    merchant_key: RSAPrivateKey
    platform_key: RSAPrivateKey

    @property
    def private_pem(self) -> str:
        return private_pem(self.merchant_key)

    @property
    def public_pem(self) -> str:
        """WeChat's public key, as the merchant downloads it."""
        return public_pem(self.platform_key)


def make_merchant(*, mch_id: str, app_id: str) -> Merchant:
    return Merchant(
        mch_id=mch_id,
        app_id=app_id,
        app_secret=secrets.token_hex(16),
        cert_serial=secrets.token_hex(20).upper(),
        api_v3_key=secrets.token_hex(16),
        public_key_id=f"PUB_KEY_ID_0{mch_id}2026{secrets.randbelow(10**10):010d}",
        merchant_key=new_key(),
        platform_key=new_key(),
    )


def new_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key: RSAPrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def public_pem(key: RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def load_or_make(folder: Path, *, mch_id: str, app_id: str) -> Merchant:
    """The merchant of ``folder``: made once, so that the environment of a developer stays valid."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = folder / "merchant.json"
    if not kept.exists():
        keep(folder, make_merchant(mch_id=mch_id, app_id=app_id))
    words: dict[str, str] = json.loads(kept.read_text())
    return Merchant(**words, merchant_key=read_key(folder / "apiclient_key.pem"), platform_key=read_key(folder / "wechat_key.pem"))


def keep(folder: Path, merchant: Merchant) -> None:
    (folder / "apiclient_key.pem").write_text(merchant.private_pem)
    (folder / "wechat_key.pem").write_text(private_pem(merchant.platform_key))
    (folder / "pub_key.pem").write_text(merchant.public_pem)
    words = {name: value for name, value in vars(merchant).items() if isinstance(value, str)}
    (folder / "merchant.json").write_text(json.dumps(words, indent=2))


def read_key(path: Path) -> RSAPrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError(f"{path} is not an RSA key")
    return key


def sign(key: RSAPrivateKey, *lines: str) -> str:
    """Base64 of RSA-SHA256 over the lines, each ended by LF."""
    return b64encode(key.sign("".join(f"{line}\n" for line in lines).encode(), PKCS1v15(), SHA256())).decode()


def is_signed(key: RSAPrivateKey, signature: str, *lines: str) -> bool:
    try:
        message = "".join(f"{line}\n" for line in lines).encode()
        key.public_key().verify(b64decode(signature), message, PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def sealed(content: dict[str, Any], *, api_v3_key: str, kind: str) -> dict[str, str]:
    """``content`` as the encrypted ``resource`` of a notification of ``kind`` (transaction, refund)."""
    nonce = secrets.token_hex(6)
    text = json.dumps(content, ensure_ascii=False).encode()
    ciphertext = AESGCM(api_v3_key.encode()).encrypt(nonce.encode(), text, kind.encode())
    return {
        "original_type": kind,
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": b64encode(ciphertext).decode(),
        "associated_data": kind,
        "nonce": nonce,
    }
