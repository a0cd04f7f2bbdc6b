"use strict";
// Who is signed in, for this tab alone, and requests in their name.
const form = document.getElementById("sign-in");
const who = form.querySelector(".who");
const fields = form.querySelector(".fields");
const out = form.querySelector("[name=out]");
const JSON_HEADERS = { "Content-Type": "application/json" };
// What takes no access token: a 401 says nothing of ours.
const WITHOUT = ["/api/auth/login", "/api/auth/passkey", "/api/auth/refresh", "/api/auth/register"];
// What is said where a passkey did not sign in.
const PASSKEYS = { refused: "The passkey was not used", unusable: "This browser could not use a passkey here; sign in another way" };
let renewing = null;

function show(words) {
  const name = sessionStorage.getItem("harvest-name");
  who.textContent = words || (name ? `Signed in as ${name}` : "Not signed in");
  const held = form.contains(document.activeElement);
  fields.hidden = Boolean(name);
  out.hidden = !name;
  if (held) (name ? out : form.email).focus();
}

function token() {
  return sessionStorage.getItem("harvest-token");
}

function keep(found) {
  sessionStorage.setItem("harvest-token", found.access_token);
  sessionStorage.setItem("harvest-refresh", found.refresh_token);
  sessionStorage.setItem("harvest-name", found.user.name);
}

function end(words) {
  for (const name of ["harvest-token", "harvest-refresh", "harvest-name"]) sessionStorage.removeItem(name);
  forget();
  show(words);
}

async function signIn() {
  const code = form.code.value ? { code: form.code.value } : {};
  const body = JSON.stringify({ email: form.email.value, password: form.password.value, ...code });
  const answer = await fetch("/api/auth/login", { method: "POST", headers: JSON_HEADERS, body });
  const found = await answer.json();
  if (!answer.ok) {
    // where a code was sent, it is the code that is wrong, which the detail alone says
    who.textContent = form.code.value ? found.detail : `${found.title}: ${found.detail}`;
    if (found.type === "/problems/second-factor") {
      form.querySelector(".code").hidden = false;
      form.code.focus();
    }
    return;
  }
  begin(found);
}

// By a passkey alone.
async function signInByPasskey() {
  const asked = await fetch("/api/auth/passkey/options", { method: "POST" });
  const options = await asked.json();
  if (!asked.ok) return void (who.textContent = options.detail);
  const body = JSON.stringify({ passkey: await passkeys.get(options) });
  const answer = await fetch("/api/auth/passkey", { method: "POST", headers: JSON_HEADERS, body });
  const found = await answer.json();
  if (answer.ok) begin(found);
  else who.textContent = found.detail;
}

function begin(found) {
  keep(found);
  form.password.value = "";
  form.code.value = "";
  form.querySelector(".code").hidden = true;
  forget();
  show();
  offer();
}

async function signOut() {
  try {
    await call("/api/auth/logout", { method: "POST" });
  } catch {
    // nobody can be told; what is here goes all the same
  }
  end();
}

// The next pair of tokens; whether there is one. Only an answer that says so is the end of the sign-in.
async function renewed() {
  const body = JSON.stringify({ refresh_token: sessionStorage.getItem("harvest-refresh") });
  const answer = await fetch("/api/auth/refresh", { method: "POST", headers: JSON_HEADERS, body });
  if (answer.ok) keep(await answer.json());
  else if ([401, 403, 422].includes(answer.status)) end("The sign-in has ended; please sign in again");
  return answer.ok;
}

// One at a time: a refresh token is good once, and used twice it ends the sign-in.
function renew() {
  renewing ??= renewed().finally(() => {
    renewing = null;
  });
  return renewing;
}

// As fetch, in the name of who is signed in; where the access token has run out, once again with the next one.
async function call(path, options = {}) {
  const headers = new Headers(options.headers);
  headers.set("Accept", "application/json, application/problem+json");
  const used = token();
  if (used) headers.set("Authorization", `Bearer ${used}`);
  const answer = await fetch(path, { ...options, headers });
  const ours = answer.status === 401 && used && !WITHOUT.includes(path.split("?")[0]);
  if (!ours || (token() === used && !(await renew())) || !token()) return answer;
  headers.set("Authorization", `Bearer ${token()}`);
  return fetch(path, { ...options, headers });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await signIn();
  } catch (error) {
    who.textContent = `No answer: ${error.message}`;
  }
});

form.querySelector("[name=passkey]").hidden = !passkeys.able;
form.querySelector("[name=passkey]").addEventListener("click", async () => {
  try {
    await signInByPasskey();
  } catch (error) {
    who.textContent = passkeys.why(error, PASSKEYS) || `No answer: ${error.message}`;
  }
});
out.addEventListener("click", signOut);
