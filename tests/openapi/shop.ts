// A small shop against the contract, compiled as strictly as TypeScript can: nothing here is cast, nothing is `any`.
import createClient from "openapi-fetch";
import type { components, paths } from "./contract";

type Schemas = components["schemas"];

const [base, email, password] = process.argv.slice(2) as [string, string, string];
const guest = createClient<paths>({ baseUrl: base });

function fail(problem: Schemas["Problem"]): never {
  const fields = (problem.errors ?? []).map((error) => `${error.field} ${error.code} ${JSON.stringify(error.params)}`);
  throw new Error(`${problem.status} ${problem.type}: ${problem.title} ${fields.join("; ")}`);
}

function priced(money: Schemas["Money"]): string {
  return new Intl.NumberFormat("en", { style: "currency", currency: money.currency }).format(money.amount / 100);
}

const steps: Record<Schemas["OrderStatus"], string> = {
  placed: "waits for the farm", confirmed: "is being prepared", ready: "is ready", out_for_delivery: "is on its way",
  completed: "is done", cancelled: "was cancelled", expired: "has expired",
};

const market = await guest.GET("/api/market");
if (market.error) fail(market.error);
const found = await guest.GET("/api/search", { params: { query: { q: "heirlom tomatos", limit: 1 } } });
if (found.error) fail(found.error);
const product = found.data.items[0];
if (product === undefined) throw new Error("nothing was found");

const guestCart = await guest.PUT("/api/cart/items/{product_id}", {
  params: { path: { product_id: product.id } }, body: { quantity: "1.25" },
});
if (guestCart.error) fail(guestCart.error);
const token = guestCart.response.headers.get("X-Cart-Token");
if (token === null) throw new Error("a guest has no token of the cart");

const signedIn = await guest.POST("/api/auth/login", { body: { email, password }, headers: { "X-Cart-Token": token } });
if (signedIn.error) fail(signedIn.error);
const client = createClient<paths>({ baseUrl: base, headers: { Authorization: `Bearer ${signedIn.data.access_token}` } });

const cart = await client.GET("/api/cart");
if (cart.error) fail(cart.error);
const line = cart.data.parts[0]?.lines[0];
if (line === undefined || line.product_id !== product.id) throw new Error("the guest's cart did not become the account's");

const order = await client.POST("/api/orders", {
  params: { header: { "Idempotency-Key": crypto.randomUUID() } },
  body: { fulfilment: { method: "pickup" }, expected_total: cart.data.total },
});
if (order.error) fail(order.error);
const seen = await client.GET("/api/orders/{id}", { params: { path: { id: order.data.id } } });
if (seen.error) fail(seen.error);

const refused = await client.PUT("/api/cart/items/{product_id}", {
  params: { path: { product_id: product.id } }, body: { quantity: "0" },
});
const wrong = refused.error?.errors?.[0];
if (wrong === undefined || wrong.field !== "quantity") throw new Error("a wrong quantity was not refused by name");

console.log(`${market.data.name}: order ${seen.data.number} ${steps[seen.data.status]}, ${priced(seen.data.totals.total)}`);
