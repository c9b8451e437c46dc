"""A server on the official Python SDK, version 1: PORT MODE, MODE = stateful | stateless | stateful-json | stateless-json.

None of its tools is annotated: that is what FastMCP makes of a plain function. GET /counted says how
many requests the MCP endpoint has seen, so that a test can hold a report to it.
"""

import sys

import uvicorn
from mcp.server.fastmcp import FastMCP

port, mode = int(sys.argv[1]), sys.argv[2]
server = FastMCP(
    "python-sdk-v1",
    port=port,
    log_level="WARNING",
    stateless_http=mode.startswith("stateless"),
    json_response=mode.endswith("json"),
)


@server.tool()
async def echo(message: str) -> str:
    """Returns the message."""
    return message


@server.tool()
async def refuse() -> str:
    """Always fails, as a tool: the result has isError."""
    raise ValueError("refused on purpose")


class Counted:
    """The server, with a count of what arrived for it."""

    def __init__(self, app):
        self.app = app
        self.requests = 0

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and scope["path"] == "/counted":
            body = str(self.requests).encode()
            head = [(b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": head})
            await send({"type": "http.response.body", "body": body})
            return
        self.requests += scope["type"] == "http" and scope["path"].startswith("/mcp")
        await self.app(scope, receive, send)


uvicorn.run(Counted(server.streamable_http_app()), host="127.0.0.1", port=port, log_level="warning")
