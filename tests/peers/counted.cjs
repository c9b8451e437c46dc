// Preloaded (node -r) into the Node servers: a count of requests, and an access log.
// GET /counted says how many requests have arrived, whatever their path, and how many of them are
// in the log. Each is a line of the file $ACCESS_LOG, written when its answer begins: the HTTP
// method, the path, what the message asks for, the status, or - for what there is none of.
const fs = require("fs");
const http = require("http");

const log = fs.openSync(process.env.ACCESS_LOG, "a");
let arrived = 0;
let logged = 0;

// What a message asks for: its method, or that it answers something; of a token endpoint, its grant type.
function asked(body) {
  if (body.includes("grant_type=")) return new URLSearchParams(body.toString()).get("grant_type");
  try {
    const message = JSON.parse(body);
    return Array.isArray(message) ? "-" : (message.method ?? "answer");
  } catch {
    return "-";
  }
}

function count(request, response) {
  arrived += 1;
  const path = request.url.split("?")[0];
  const length = Number(request.headers["content-length"] ?? 0);
  let body = Buffer.alloc(0);
  let status = "-";
  let told = false;
  const tell = () => {
    if (told) return;
    told = true;
    logged += 1;
    fs.writeSync(log, `${request.method} ${path} ${asked(body)} ${status}\n`);
  };
  // Some answers begin before the question was read.
  const isWhole = () => status !== "-" && body.length >= length;
  // Not by listening for data, which would start the flow before the server listens.
  const push = request.push;
  request.push = function (chunk, ...rest) {
    if (chunk) body = Buffer.concat([body, chunk]);
    if (isWhole()) tell();
    return push.call(this, chunk, ...rest);
  };
  const writeHead = response.writeHead;
  response.writeHead = function (given, ...rest) {
    status = given;
    if (isWhole()) tell();
    return writeHead.call(this, given, ...rest);
  };
  response.on("close", tell);
}

const emit = http.Server.prototype.emit;
http.Server.prototype.emit = function (event, ...rest) {
  if (event === "request") {
    const [request, response] = rest;
    if (request.url === "/counted") {
      response.end(`${arrived} ${logged}`);
      return true;
    }
    count(request, response);
  }
  return emit.call(this, event, ...rest);
};
