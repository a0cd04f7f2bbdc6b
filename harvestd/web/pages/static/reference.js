"use strict";
// Trying each operation as its form has it.
const KEPT = 60_000;
const lists = new Map();

function forget() {
  lists.clear();
}

// The items of a list, asked for once a minute, however many forms want them.
function listed(path) {
  const known = lists.get(path);
  if (known && Date.now() - known.at < KEPT) return known.items;
  const items = call(path)
    .then(async (answer) => (answer.ok ? (await answer.json()).items : []))
    .catch(() => []);
  lists.set(path, { at: Date.now(), items });
  return items;
}

// What a path can name, offered in the forms that are open from the list that has it. What is only read is filled in.
async function offer() {
  for (const input of document.querySelectorAll("details.try[open] input[data-list]")) {
    if (input.hasAttribute("data-signed-in") && !token()) continue;
    const { list, within } = input.dataset;
    const found = await listed(list);
    const items = within ? found.flatMap((item) => item[within]) : found;
    input.list.replaceChildren(...items.map((item) => new Option(item.number || item.title || item.name, item.id)));
    if (input.form.dataset.method === "GET" && !input.value && items.length) input.value = items[0].id;
  }
}

async function send(one) {
  const headers = new Headers();
  const query = new URLSearchParams();
  let path = one.dataset.path;
  for (const input of one.querySelectorAll("[data-in]")) {
    const values = input.value.split("\n").map((value) => value.trim()).filter(Boolean);
    const value = values[0] || "";
    if (input.dataset.in === "path") path = path.replace(`{${input.name}}`, () => encodeURIComponent(value));
    else if (input.dataset.in === "query") values.forEach((each) => query.append(input.name, each));
    else if (value) headers.set(input.name, value);
    else if (input.name === "Idempotency-Key") headers.set(input.name, crypto.randomUUID());
  }
  if (one.querySelector("[name=If-Match]") && !headers.has("If-Match")) {
    const present = await call(path);
    headers.set("If-Match", present.headers.get("ETag") || "*");
  }
  const options = { method: one.dataset.method, headers };
  if (one.body) {
    headers.set("Content-Type", "application/json");
    options.body = one.body.value;
  }
  const search = query.toString();
  const answer = await call(search ? `${path}?${search}` : path, options);
  if (options.method !== "GET") forget();
  return answer;
}

// The status and the body; the headers are folded behind them.
async function shown(answer, one) {
  const text = await answer.text();
  const json = (answer.headers.get("Content-Type") || "").includes("json");
  const headers = one.querySelector(".headers");
  headers.querySelector("pre").textContent = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  headers.hidden = false;
  return `${answer.status}\n${json && text ? JSON.stringify(JSON.parse(text), null, 2) : text}`;
}

for (const one of document.querySelectorAll(".try form")) {
  one.addEventListener("submit", async (event) => {
    event.preventDefault();
    const box = one.querySelector("pre");
    box.textContent = "…";
    try {
      box.textContent = await shown(await send(one), one);
    } catch (error) {
      box.textContent = `No answer: ${error.message}`;
    }
  });
}
for (const details of document.querySelectorAll("details.try")) {
  details.addEventListener("toggle", () => details.open && offer());
}
show();
