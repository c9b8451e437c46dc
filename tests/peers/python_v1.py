"""A server on the official Python SDK, version 1.

Arguments: PORT MODE, where MODE is stateful, stateless, stateful-json, stateless-json or stateful-slow (at /mcp), or
sse (at /sse). The slow one has a tool more, which takes its time.
None of its tools is annotated: that is what FastMCP makes of a plain function.
"""

import sys

import anyio
from mcp.server.fastmcp import FastMCP

import counted

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

if mode.endswith("slow"):

    @server.tool()
    async def wait(seconds: float) -> str:
        """Takes its time, and lets others have theirs."""
        await anyio.sleep(seconds)
        return f"waited {seconds} s"


counted.serve(server.sse_app() if mode == "sse" else server.streamable_http_app(), port)
