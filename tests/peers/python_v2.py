"""A server on the official Python SDK, version 2, which speaks both eras.

Arguments: PORT MODE [ISSUER], where MODE is stateful, stateless, stateful-json, stateless-json or stateful-slow (at
/mcp), or sse (at /sse), and ISSUER an authorization server without whose tokens nobody gets in.
"""

import sys

import anyio
from mcp.server.mcpserver import MCPServer

import bearer
import counted

port, mode = int(sys.argv[1]), sys.argv[2]
issuer = sys.argv[3] if len(sys.argv) > 3 else None
server = MCPServer("python-sdk-v2", log_level="WARNING", **bearer.guarded(issuer, port))


@server.tool()
async def echo(message: str) -> str:
    """Returns the message."""
    return message


@server.tool()
async def refuse() -> str:
    """Always fails, as a tool: the result has isError."""
    raise ValueError("refused on purpose")

if mode.endswith("slow"):

    @server.tool()
    async def wait(seconds: float) -> str:
        """Takes its time, and lets others have theirs."""
        await anyio.sleep(seconds)
        return f"waited {seconds} s"


def app():
    if mode == "sse":
        return server.sse_app()
    return server.streamable_http_app(
        stateless_http=mode.startswith("stateless"), json_response=mode.endswith("json")
    )


counted.serve(app(), port)
