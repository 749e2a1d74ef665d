"""C2PA manifests ("content credentials"): a signed note inside a picture that a model made it, unchanged since.

Signed with a key of this computer, made at the first use. Nobody vouches for that key, so readers say "made by AI, not
changed since" and that the signer is unknown to them; the certificate names the workbench, never the person. Needs the
extra package c2pa-python (the C2PA project's own library).
"""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from workbench.config import atomic_write, home, make_folder
from workbench.errors import PackError
from workbench.generation.provenance import MADE_BY_MODEL

KINDS = {".png": "image/png", ".webp": "image/webp", ".gif": "image/gif"}
YEARS = 10


def can_sign() -> bool:
    """Whether the library is installed."""
    try:
        import c2pa  # noqa: F401
    except ImportError:
        return False
    return True


def sign_folder(folder: Path) -> list[str]:
    """Signs every PNG, WebP and GIF of a folder, in place.

    Returns:
        Notes: what could not be signed.

    Raises:
        PackError: the library is missing, or refused.
    """
    notes = []
    for path in sorted(folder.rglob("*")):
        if path.suffix in KINDS:
            atomic_write(path, sign_picture(path.read_bytes(), KINDS[path.suffix]))
        elif path.suffix in (".webm", ".glb"):
            notes.append(f"{path.name}: this format carries no signature here")
    return notes


def sign_picture(content: bytes, mime: str) -> bytes:
    """A picture with a signed manifest in it.

    Args:
        content: a PNG, WebP or GIF file.
        mime: such as `image/png`.

    Raises:
        PackError: the library is missing, or refused.
    """
    c2pa = _library()
    import workbench

    chain, key = _signer()
    manifest = {
        "claim_generator_info": [{"name": "chibi-workbench", "version": workbench.__version__}],
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": MADE_BY_MODEL}]},
            }
        ],
    }
    try:
        signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, chain, key, None))
        target = io.BytesIO()
        # A small copy of a small picture would only take room that a sticker does not have.
        context = c2pa.Context.from_dict({"builder": {"thumbnail": {"enabled": False}}})
        with c2pa.Builder(json.dumps(manifest), context) as builder:
            builder.sign(signer, mime, io.BytesIO(content), target)
        return target.getvalue()
    except c2pa.C2paError as error:
        raise PackError(
            "The signature", f"it could not be made ({str(error)[:200]})", "Make the pack without"
        ) from error


def read_manifest(content: bytes, mime: str) -> dict[str, Any] | None:
    """What a picture's manifest says and whether it still fits the picture; None when there is none.

    Returns:
        The C2PA library's report; `validation_state` is `Valid` or `Trusted` when nothing was changed.

    Raises:
        PackError: the library is missing.
    """
    c2pa = _library()
    try:
        with c2pa.Reader(mime, io.BytesIO(content)) as reader:
            return dict(json.loads(reader.json()))
    except c2pa.C2paError:
        return None


def _library() -> Any:
    try:
        import c2pa
    except ImportError as error:
        raise PackError(
            "The signature", "the package c2pa-python is not installed",
            "Install the extra: `pip install 'chibi-workbench[credentials]'`",
        ) from error  # fmt: skip
    return c2pa


def _signer() -> tuple[bytes, bytes]:
    """The certificate chain and the key, as PEM; made when there are none yet."""
    folder = home() / "credentials"
    chain, key = folder / "chain.pem", folder / "key.pem"
    if not (chain.is_file() and key.is_file()):
        made_chain, made_key = _make_signer()
        make_folder(folder).chmod(0o700)
        atomic_write(key, made_key)
        atomic_write(chain, made_chain)
    return chain.read_bytes(), key.read_bytes()


def _make_signer() -> tuple[str, str]:
    """A key with a certificate in the form that C2PA wants (specification 2.2, section 14.5): not signed by itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name(common: str) -> x509.Name:
        return x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "chibi-workbench (local key)"),
             x509.NameAttribute(NameOID.COMMON_NAME, common)]
        )  # fmt: skip

    now = datetime.now(UTC)
    root_key, own_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
         "decipher_only", "crl_sign", "key_cert_sign", "digital_signature"), False,
    )  # fmt: skip

    def certificate(subject: str, key: Any, authority: bool) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(subject)).issuer_name(name("root")).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=365 * YEARS))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**(usage | ({"key_cert_sign": True, "crl_sign": True} if authority
                                                     else {"digital_signature": True}))), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        )  # fmt: skip
        if not authority:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
            )
        return builder.sign(root_key, hashes.SHA256())

    pem = serialization.Encoding.PEM
    chain = b"".join(
        certificate(subject, key, authority).public_bytes(pem)
        for subject, key, authority in (("pictures", own_key, False), ("root", root_key, True))
    )
    own = own_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return chain.decode("ascii"), own.decode("ascii")
