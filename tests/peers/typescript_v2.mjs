// A server on the official TypeScript SDK, version 2, under $NODE_MODULES.
// Arguments: PORT MODE, where MODE is
//   handler, handler-json: the SDK's own handler, both eras, without sessions, answers in SSE or JSON as it likes or in JSON
//   modern-only: the same, refusing the era before 2026-07-28
//   stateful, stateful-json: its transport with a session each, the era before 2026-07-28 alone
//   stateful-slow: the same as stateful, with a tool more, which takes its time
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";

const load = createRequire(`${process.env.NODE_MODULES}/`);
const { McpServer, createMcpHandler, isInitializeRequest } = load("@modelcontextprotocol/server");
const { NodeStreamableHTTPServerTransport, toNodeHandler } = load("@modelcontextprotocol/node");
const { createMcpExpressApp } = load("@modelcontextprotocol/express");
const { z } = load("zod");

const [port, mode] = [Number(process.argv[2]), process.argv[3]];

function server() {
  const made = new McpServer({ name: "typescript-sdk-v2", version: "1.0.0" });
  const inputSchema = z.object({ message: z.string() });
  made.registerTool("echo", { description: "Returns the message.", inputSchema }, async ({ message }) => ({
    content: [{ type: "text", text: message }],
  }));
  made.registerTool("refuse", { description: "Always fails, as a tool." }, async () => {
    throw new Error("refused on purpose");
  });
  if (mode.endsWith("slow")) {
    const inputSchema = z.object({ seconds: z.number() });
    made.registerTool("wait", { description: "Takes its time.", inputSchema }, async ({ seconds }) => {
      await new Promise((done) => setTimeout(done, seconds * 1000));
      return { content: [{ type: "text", text: `waited ${seconds} s` }] };
    });
  }
  return made;
}

function handler() {
  const legacy = mode === "modern-only" ? "reject" : "stateless";
  const responseMode = mode.endsWith("json") ? "json" : "auto";
  const handle = toNodeHandler(createMcpHandler(server, { legacy, responseMode }));
  return (request, response) => handle(request, response, request.body);
}

function refused(response, status, code, message) {
  response.status(status).json({ jsonrpc: "2.0", id: null, error: { code, message } });
}

function sessions() {
  const transports = new Map();
  return async (request, response) => {
    const id = request.headers["mcp-session-id"];
    if (id !== undefined) {
      const transport = transports.get(id);
      if (transport === undefined) return refused(response, 404, -32001, "Session not found");
      return transport.handleRequest(request, response, request.body);
    }
    if (!isInitializeRequest(request.body)) return refused(response, 400, -32000, "Bad Request: no session");
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      enableJsonResponse: mode.endsWith("json"),
      onsessioninitialized: (issued) => void transports.set(issued, transport),
    });
    transport.onclose = () => transports.delete(transport.sessionId);
    await server().connect(transport);
    return transport.handleRequest(request, response, request.body);
  };
}

const app = createMcpExpressApp();
app.all("/mcp", mode.startsWith("stateful") ? sessions() : handler());
app.listen(port, "127.0.0.1");
