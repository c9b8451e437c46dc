"""A server on the official Python SDK, version 2, which speaks both eras.

Arguments: PORT MODE, where MODE is stateful, stateless, stateful-json or stateless-json (at /mcp), or sse (at /sse).
"""

import sys

from mcp.server.mcpserver import MCPServer

import counted

port, mode = int(sys.argv[1]), sys.argv[2]
server = MCPServer("python-sdk-v2", log_level="WARNING")


@server.tool()
async def echo(message: str) -> str:
    """Returns the message."""
    return message


@server.tool()
async def refuse() -> str:
    """Always fails, as a tool: the result has isError."""
    raise ValueError("refused on purpose")


def app():
    if mode == "sse":
        return server.sse_app()
    return server.streamable_http_app(
        stateless_http=mode.startswith("stateless"), json_response=mode.endswith("json")
    )


counted.serve(app(), port)
