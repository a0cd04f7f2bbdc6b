// An issuer with one client: node issuer.mjs CONFIGURATION.json, beside which node_modules is looked for first.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const given = JSON.parse(readFileSync(process.argv[2], "utf8"));
const { default: Provider } = await import(pathToFileURL(createRequire(given.modules).resolve("oidc-provider")).href);

const provider = new Provider(given.issuer, {
  clients: [given.client],
  clientAuthMethods: [given.client.token_endpoint_auth_method],
  jwks: { keys: [given.key] },
  cookies: { keys: ["of the tests alone"] },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  conformIdTokenClaims: !given.in_token, // as the standard has it, what scopes ask for is in UserInfo where there is an access token
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true } },
  // who signs in as ivy is ivy@example.org
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@example.org`, email_verified: !id.startsWith("unverified"), name: `${id} of the tests` }),
  }),
});
provider.listen(given.port, "127.0.0.1");
