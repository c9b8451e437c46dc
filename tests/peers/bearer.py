"""Who may use a server: whoever brings a JWT that this issuer signed, for this resource, with the scope `mcp`."""

import asyncio

import jwt
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings


class Signed(TokenVerifier):
    """Verifies tokens by the keys that their issuer publishes."""

    def __init__(self, issuer, resource):
        self.issuer, self.resource = issuer, resource
        self.keys = jwt.PyJWKClient(f"{issuer}/jwks", lifespan=3600)

    async def verify_token(self, token):
        try:
            key = await asyncio.to_thread(self.keys.get_signing_key_from_jwt, token)
            claims = jwt.decode(token, key.key, ["ES256"], audience=self.resource, issuer=self.issuer)
        except jwt.PyJWTError:
            return None
        return AccessToken(
            token=token,
            client_id=claims["client_id"],
            scopes=claims["scope"].split(),
            expires_at=claims["exp"],
            resource=self.resource,
            subject=claims["sub"],
        )


def guarded(issuer, port):
    """What the SDK's server takes to be guarded so; nothing without an issuer."""
    if issuer is None:
        return {}
    resource = f"http://127.0.0.1:{port}/mcp"
    settings = AuthSettings(
        issuer_url=issuer, resource_server_url=resource, required_scopes=["mcp"], validate_token_resource=True
    )
    return {"auth": settings, "token_verifier": Signed(issuer, resource)}
