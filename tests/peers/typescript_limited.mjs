// A server on the official TypeScript SDK, version 1, with that SDK's own authorization handlers and the limits these
// have by themselves: twenty registrations an hour from one address. Under $NODE_MODULES. Argument: PORT.
import { createRequire } from "node:module";

const load = createRequire(`${process.env.NODE_MODULES}/`);
const sdk = (file) => load(`@modelcontextprotocol/sdk/${file}.js`);
const { McpServer } = sdk("server/mcp");
const { StreamableHTTPServerTransport } = sdk("server/streamableHttp");
const { getOAuthProtectedResourceMetadataUrl, mcpAuthRouter } = sdk("server/auth/router");
const { requireBearerAuth } = sdk("server/auth/middleware/bearerAuth");
const { DemoInMemoryAuthProvider } = sdk("examples/server/demoInMemoryOAuthProvider");
const express = load("express");
const { z } = load("zod");

const issuerUrl = new URL(`http://127.0.0.1:${process.argv[2]}`);
const resourceServerUrl = new URL("/mcp", issuerUrl);
const provider = new DemoInMemoryAuthProvider((resource) => resource?.href === resourceServerUrl.href);
const resourceMetadataUrl = getOAuthProtectedResourceMetadataUrl(resourceServerUrl);

function server() {
  const made = new McpServer({ name: "typescript-sdk-v1", version: "1.0.0" });
  const inputSchema = { message: z.string() };
  made.registerTool("echo", { description: "Returns the message.", inputSchema }, async ({ message }) => ({
    content: [{ type: "text", text: message }],
  }));
  return made;
}

const app = express();
app.use(mcpAuthRouter({ provider, issuerUrl, resourceServerUrl, scopesSupported: ["mcp:tools"] }));
app.post("/mcp", requireBearerAuth({ verifier: provider, resourceMetadataUrl }), express.json(), async (request, response) => {
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
  response.on("close", () => transport.close());
  await server().connect(transport);
  await transport.handleRequest(request, response, request.body);
});
app.all("/mcp", (_, response) => void response.status(405).end());
app.listen(Number(process.argv[2]), "127.0.0.1");
