// Preloaded (node -r) into servers that we did not write. They listen on all interfaces and on a
// port of their own choice: here every listener is bound to 127.0.0.1 and to the port in $PORT.
// GET /counted says how many requests arrived at /mcp, so that a test can hold a report to it.
const http = require("http");
const net = require("net");

const port = Number(process.env.PORT);
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...asked) {
  const ready = asked.find((argument) => typeof argument === "function");
  return listen.call(this, { host: "127.0.0.1", port }, ready);
};

let requests = 0;
const emit = http.Server.prototype.emit;
http.Server.prototype.emit = function (event, ...rest) {
  if (event === "request") {
    const [request, response] = rest;
    if (request.url === "/counted") {
      response.end(String(requests));
      return true;
    }
    requests += request.url.startsWith("/mcp") ? 1 : 0;
  }
  return emit.call(this, event, ...rest);
};
