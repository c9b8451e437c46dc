// A certified authorization server, oidc-provider, under $NODE_MODULES: dynamic registration, PKCE, resource
// indicators, rotating refresh tokens (one that comes twice revokes its grant), access tokens that are JWTs.
// Arguments: PORT, then NAME=VALUE of
//   access=SECONDS: how long an access token lives
//   consent=instant: everybody who comes is somebody else, and consents; the default
//   consent=forms: a page to log in and one to consent, with a cookie and a hidden field each
// GET /grants says what it did: by account, how often it authorised and refreshed; and what it revoked and refused.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const load = createRequire(`${process.env.NODE_MODULES}/`);
const module = await import(pathToFileURL(load.resolve("oidc-provider")).href);
const { Provider, errors, interactionPolicy } = module;

const port = Number(process.argv[2]);
const given = Object.fromEntries(process.argv.slice(3).map((pair) => pair.split("=")));
const access = Number(given.access ?? 60);
const byForms = given.consent === "forms";
const issuer = `http://127.0.0.1:${port}`;
const SCOPES = "offline_access mcp";

// Its own store forgets: it holds no more than a thousand things.
const stored = new Map();
const members = new Map();

class Store {
  constructor(model) {
    this.model = model;
  }
  key(id) {
    return `${this.model}:${id}`;
  }
  async upsert(id, payload) {
    stored.set(this.key(id), payload);
    if (payload.uid !== undefined) stored.set(`uid:${this.model}:${payload.uid}`, payload);
    if (payload.grantId !== undefined) {
      if (!members.has(payload.grantId)) members.set(payload.grantId, new Set());
      members.get(payload.grantId).add(this.key(id));
    }
  }
  async find(id) {
    return stored.get(this.key(id));
  }
  async findByUid(uid) {
    return stored.get(`uid:${this.model}:${uid}`);
  }
  async findByUserCode() {}
  async consume(id) {
    stored.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) {
    stored.delete(this.key(id));
  }
  async revokeByGrantId(grant) {
    for (const key of members.get(grant) ?? []) if (key.startsWith(`${this.model}:`)) stored.delete(key);
  }
}

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const key = { ...privateKey.export({ format: "jwk" }), alg: "ES256", use: "sig", kid: "only" };

const policy = interactionPolicy.base();
if (!byForms) policy.get("consent").checks.remove("native_client_prompt");

const provider = new Provider(issuer, {
  adapter: Store,
  jwks: { keys: [key] },
  scopes: SCOPES.split(" "),
  clientDefaults: { id_token_signed_response_alg: "ES256" },
  enabledJWA: { idTokenSigningAlgValues: ["ES256"] },
  cookies: { keys: [randomUUID()] },
  interactions: { policy, url: (_, interaction) => `/interaction/${interaction.uid}` },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: async (_, client) => client.grantTypeAllowed("refresh_token"),
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  ttl: { AccessToken: access, AuthorizationCode: 60, RefreshToken: 3600, Session: 3600, Interaction: 600, Grant: 3600 },
  features: {
    devInteractions: { enabled: false },
    registration: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, resource) => {
        if (!resource.startsWith("http://127.0.0.1:")) throw new errors.InvalidTarget();
        const jwt = { sign: { alg: "ES256" } };
        return { scope: "mcp", audience: resource, accessTokenTTL: access, accessTokenFormat: "jwt", jwt };
      },
    },
  },
  ...(byForms ? {} : { loadExistingGrant: (ctx) => consented(ctx.oidc.client, ctx.oidc.session.accountId, ctx.oidc.params) }),
});

// A grant of everything that was asked for.
async function consented(client, accountId, params) {
  const grant = new provider.Grant({ clientId: client.clientId, accountId });
  grant.addOIDCScope(SCOPES);
  for (const resource of [params.resource ?? []].flat()) grant.addResourceScope(resource, "mcp");
  await grant.save(3600);
  return grant;
}

const did = { accounts: {}, registered: 0, revoked: 0, refused: 0 };
provider.on("registration_create.success", () => (did.registered += 1));
provider.on("grant.revoked", () => (did.revoked += 1));
for (const leg of ["grant", "authorization", "registration_create"]) {
  provider.on(`${leg}.error`, (_, error) => {
    did.refused += 1;
    console.error(`${leg}: ${error.message} ${error.error_description ?? ""} ${error.error_detail ?? ""}`);
  });
}
provider.on("server_error", (_, error) => console.error(error));
provider.on("grant.success", (ctx) => {
  const account = (did.accounts[ctx.oidc.account.accountId] ??= { authorised: 0, refreshed: 0 });
  account[ctx.oidc.params.grant_type === "refresh_token" ? "refreshed" : "authorised"] += 1;
});

async function read(request) {
  let body = "";
  for await (const chunk of request) body += chunk;
  return new URLSearchParams(body);
}

const page = (uid, fields) =>
  `<!doctype html><title>${uid}</title><form method="post" action="/interaction/${uid}">${fields}</form>`;

async function interaction(ctx) {
  const { uid, prompt, params, session } = await provider.interactionDetails(ctx.req, ctx.res);
  if (ctx.method === "GET") {
    const field = prompt.name === "login" ? '<input name="login">' : "";
    ctx.type = "html";
    ctx.body = page(uid, `<input type="hidden" name="csrf" value="${uid}-${prompt.name}">${field}<button>Go on</button>`);
    return;
  }
  const form = await read(ctx.req);
  if (form.get("csrf") !== `${uid}-${prompt.name}`) return ctx.throw(403);
  const client = await provider.Client.find(params.client_id);
  const done =
    prompt.name === "login"
      ? { login: { accountId: form.get("login") } }
      : { consent: { grantId: (await consented(client, session.accountId, params)).jti } };
  ctx.respond = false;
  await provider.interactionFinished(ctx.req, ctx.res, done, { mergeWithLastSubmission: true });
}

// Whoever comes has just logged in, as somebody new.
async function welcome(ctx) {
  const session = new provider.Session({ accountId: randomUUID(), loginTs: Math.floor(Date.now() / 1000) });
  await session.save(3600);
  const name = provider.cookieName("session");
  ctx.req.headers.cookie = `${name}=${session.id}; ${name}.sig=${ctx.cookies.keys.sign(`${name}=${session.id}`)}`;
  const query = new URLSearchParams(ctx.querystring);
  query.delete("prompt");
  ctx.querystring = query.toString();
}

provider.use(async (ctx, next) => {
  if (ctx.path === "/grants") ctx.body = did;
  else if (ctx.path.startsWith("/interaction/")) await interaction(ctx);
  else {
    if (ctx.path === "/auth" && !byForms) await welcome(ctx);
    await next();
  }
});

createServer(provider.callback()).listen(port, "127.0.0.1");
