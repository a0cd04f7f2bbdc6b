"use strict";
// Signing in from the page, and trying each operation as its form has it. The token is kept for this tab alone.
const form = document.getElementById("sign-in");
const who = form.querySelector(".who");
const out = form.querySelector("[name=out]");

function show() {
  const name = sessionStorage.getItem("harvest-name");
  who.textContent = name ? `Signed in as ${name}` : "Not signed in";
  out.hidden = !name;
}

async function signIn() {
  const body = JSON.stringify({ email: form.email.value, password: form.password.value });
  const answer = await fetch("/api/auth/login", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  const found = await answer.json();
  if (!answer.ok) {
    who.textContent = `${found.title}: ${found.detail}`;
    return;
  }
  sessionStorage.setItem("harvest-token", found.access_token);
  sessionStorage.setItem("harvest-name", found.user.name);
  form.password.value = "";
  show();
  offer();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await signIn();
  } catch (error) {
    who.textContent = `No answer: ${error.message}`;
  }
});

out.addEventListener("click", () => {
  sessionStorage.clear();
  show();
});

function asking() {
  const headers = new Headers({ Accept: "application/json, application/problem+json" });
  const token = sessionStorage.getItem("harvest-token");
  if (token) headers.set("Authorization", `Bearer ${token}`);
  return headers;
}

// What a path can name, offered in the forms that are open from the list that has it. What is only read is filled in.
async function offer() {
  for (const input of document.querySelectorAll("details.try[open] input[data-list]")) {
    const answer = await fetch(input.dataset.list, { headers: asking() }).catch(() => null);
    const items = answer && answer.ok ? (await answer.json()).items : [];
    input.list.replaceChildren(...items.map((item) => new Option(item.number || item.title || item.name, item.id)));
    if (input.form.dataset.method === "GET" && !input.value && items.length) input.value = items[0].id;
  }
}

async function send(one) {
  const headers = asking();
  const query = new URLSearchParams();
  let path = one.dataset.path;
  for (const input of one.querySelectorAll("input")) {
    const value = input.value.trim();
    if (input.dataset.in === "path") path = path.replace(`{${input.name}}`, encodeURIComponent(value));
    else if (input.dataset.in === "query" && value) query.append(input.name, value);
    else if (input.dataset.in === "header" && value) headers.set(input.name, value);
    else if (input.name === "Idempotency-Key") headers.set(input.name, crypto.randomUUID());
  }
  if (one.querySelector("[name=If-Match]") && !headers.has("If-Match")) {
    const present = await fetch(path, { headers });
    headers.set("If-Match", present.headers.get("ETag") || "*");
  }
  const options = { method: one.dataset.method, headers };
  if (one.body) {
    headers.set("Content-Type", "application/json");
    options.body = one.body.value;
  }
  const search = query.toString();
  return fetch(search ? `${path}?${search}` : path, options);
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
