"""An OIDC provider that shows everyone in as whom its file says: `python provider.py PORT FILE`."""

from __future__ import annotations

import base64
import json
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

import uvicorn
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

PORT, FILE = int(sys.argv[1]), Path(sys.argv[2])
ISSUER = f"http://127.0.0.1:{PORT}"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
asked: dict[str, str] = {}


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int) -> str:
    return text(value.to_bytes((value.bit_length() + 7) // 8, "big"))


async def configuration(request: Request) -> Response:
    ends = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
    return JSONResponse(
        {"issuer": ISSUER, "response_types_supported": ["code"], "subject_types_supported": ["public"],
         "id_token_signing_alg_values_supported": ["RS256"], "code_challenge_methods_supported": ["S256"]}
        | {name: f"{ISSUER}/{path}" for name, path in ends.items()}
    )  # fmt: skip


async def authorize(request: Request) -> Response:
    asked["code"] = request.query_params.get("nonce", "")
    words = urlencode({"code": "code", "state": request.query_params["state"]})
    return RedirectResponse(f"{request.query_params['redirect_uri']}?{words}", 302)


async def token(request: Request) -> Response:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": "client", "iat": now, "exp": now + 300, "nonce": asked["code"]}
    claims |= json.loads(FILE.read_text(encoding="utf-8"))
    head = text(json.dumps({"alg": "RS256", "kid": "1"}).encode()) + "." + text(json.dumps(claims).encode())
    signed = KEY.sign(head.encode(), padding.PKCS1v15(), hashes.SHA256())
    made = {"access_token": "x", "token_type": "Bearer", "expires_in": 300, "id_token": f"{head}.{text(signed)}"}
    return JSONResponse(made)


async def keys(request: Request) -> Response:
    public = KEY.public_key().public_numbers()
    key = {"kty": "RSA", "kid": "1", "use": "sig", "alg": "RS256", "n": number(public.n), "e": number(public.e)}
    return JSONResponse({"keys": [key]})


routes = [
    Route("/.well-known/openid-configuration", configuration),
    Route("/authorize", authorize),
    Route("/token", token, methods=["POST"]),
    Route("/keys", keys),
]
uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=PORT, log_level="warning")
