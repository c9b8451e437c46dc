//! OAuth as MCP clients do it: bytes in, values out; no I/O, no clock.
