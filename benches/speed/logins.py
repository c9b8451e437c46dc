"""One user after another authorises from nothing and calls a tool: the official Python SDK's own client."""

import asyncio
import os

import httpx
from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata

URL = os.environ["URL"]
CALLBACK = "http://127.0.0.1:33418/callback"


class Storage:
    """Keeps what one user has, and nothing before it."""

    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


async def user():
    callback = {}

    async def consent(url):
        async with httpx.AsyncClient() as browser:
            answer = await browser.get(url)
            callback.update(httpx.URL(answer.headers["location"]).params)

    async def came():
        return callback["code"], callback["state"]

    metadata = OAuthClientMetadata(
        client_name="bench", redirect_uris=[CALLBACK], token_endpoint_auth_method="none"
    )
    auth = OAuthClientProvider(URL, metadata, Storage(), consent, came)
    async with httpx.AsyncClient(auth=auth, timeout=30) as http:
        async with streamable_http_client(URL, http_client=http) as (receive, send, _):
            async with ClientSession(receive, send) as session:
                await session.initialize()
                assert not (await session.call_tool("echo", {"message": "the quick brown fox"})).isError


async def main():
    for _ in range(int(os.environ["USERS"])):
        await user()
    print(os.environ["USERS"])


asyncio.run(main())
