"use strict";
// Signing in, and one's own account, where no link of a mail leads to something else (account.js). The session is in a cookie, which no
// script can read; what changes something goes with its CSRF token.
const own = document.getElementById("own");
const entrance = document.getElementById("entrance");
const dialog = document.getElementById("confirm");
const PAUSE = 2000; // milliseconds between two questions how an operation goes; longer each time
const LEFT = "harvest-left"; // in this tab's storage while the page begins anew after a sign-out
const FRESH = 24 * 3600_000; // milliseconds for which a file of one's data is new enough to be the one that is asked for
let csrf = "";
let me = null;

const the = (id) => document.getElementById(id);

// Where a part of the page says how it went.
function tell(where, words, wrong) {
  const box = where.closest("section, dialog")?.querySelector(".told") || said;
  box.textContent = words;
  box.className = wrong ? "told wrong" : "told";
  box.setAttribute("role", wrong ? "alert" : "status");
  if (words && words !== WORDS.busy) box.focus();
  return box;
}

// The sentences of a problem; a fault under the name of its field.
function sentences(found, where) {
  const called = (field) => where.querySelector?.(`[name="${field}"]`)?.dataset.name;
  const errors = (found.errors || []).map((one) => `${called(one.field) ? named(called(one.field), one.message) : one.message}.`);
  return errors.length ? errors.join(" ") : `${found.title}. ${found.detail[0].toUpperCase()}${found.detail.slice(1)}.`;
}

class Refused extends Error {
  constructor(found) {
    super(found.detail);
    this.found = found;
  }
}

async function send(method, path, body, signal) {
  const headers = { Accept: "application/json, application/problem+json" };
  if (csrf) headers["X-CSRF-Token"] = csrf;
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, signal, body: body && JSON.stringify(body) });
  const text = await answer.text();
  const found = text ? JSON.parse(text) : null;
  if (!answer.ok) throw new Refused(found);
  return found;
}

// The same, once more where the market first wants to know that it is oneself. A confirmation that ended while the refusal was under way
// counts for it, given or not: nobody is asked twice for what they sent together.
async function ask(method, path, body) {
  const before = ended;
  try {
    return await send(method, path, body);
  } catch (error) {
    if (error.found?.type !== "/problems/confirm") throw error;
    await (ended === before ? confirmed() : ended.outcome);
    return send(method, path, body);
  }
}

function failed(error, where) {
  if (error.found?.type === "/problems/unauthenticated" && me) return leave();
  if (error.found) return tell(where, sentences(error.found, where), true);
  return tell(where, passkeys.why(error, WORDS) || WORDS.away, true);
}

// Does what a button or a form is for, once at a time; says what went wrong. Passwords take a second to check, which is said, too.
function does(element, event, work) {
  element.addEventListener(event, async (happened) => {
    happened.preventDefault();
    const button = element.querySelector("button") || element;
    if (button.disabled) return;
    button.disabled = true;
    const box = tell(element, element.closest("section") ? "" : WORDS.busy);
    try {
      await work(element);
    } catch (error) {
      failed(error, element);
    } finally {
      button.disabled = false;
      if (box.textContent === WORDS.busy) box.textContent = "";
    }
  });
}

// --- confirming ---

// The confirmation that is asked for, if one is, and the one that ended last. There is one at a time: whatever else needs one meanwhile has
// its outcome.
let asking = null;
let ended = null;

// Resolves once it is confirmed; a person who does not want to is an AbortError.
function confirmed() {
  if (asking) return asking.outcome;
  const mine = { given: false, stop: new AbortController() };
  mine.outcome = new Promise((resolve, reject) => {
    mine.over = () => (mine.given ? resolve() : reject(new DOMException("", "AbortError")));
  });
  asking = mine;
  the("confirm-passkey").hidden = !passkeys.able || !me.factors.some((one) => one.kind === "passkey");
  the("confirm-form").reset();
  dialog.querySelector(".code").hidden = true;
  tell(dialog, "");
  dialog.showModal();
  return mine.outcome;
}

// What was begun in a dialog that was closed since confirms nothing in the next one.
async function confirm(mine, body) {
  if (mine.stop.signal.aborted) throw new DOMException("", "AbortError");
  await send("POST", "/api/auth/confirm", body, mine.stop.signal);
  mine.given = dialog.open;
  dialog.close();
}

// The only end of a confirmation, so that the next one never begins before it.
dialog.addEventListener("close", () => {
  const mine = asking;
  [asking, ended] = [null, mine];
  mine.stop.abort();
  mine.over();
});
does(the("confirm-form"), "submit", async (form) => {
  const mine = asking;
  const code = form.code.value ? { code: form.code.value } : {};
  try {
    await confirm(mine, { password: form.password.value, ...code });
  } catch (error) {
    const asked = form.querySelector(".code");
    const wanted = (error.found?.errors || []).some((one) => one.field === "code");
    if (!wanted) throw error;
    const before = asked.hidden;
    asked.hidden = false;
    tell(dialog, sentences(error.found, form), !before);
    form.code.focus();
  }
});
does(the("confirm-passkey"), "click", async () => {
  const mine = asking;
  const password = the("confirm-form").password.value;
  const options = await send("POST", `/api/auth/confirm/options?alone=${!password}`, null, mine.stop.signal);
  const passkey = await passkeys.get(options, mine.stop.signal);
  await confirm(mine, { ...(password && { password }), passkey });
});
the("cancel").addEventListener("click", () => dialog.close());

// --- the ways in ---

let again = {}; // once the person was told that the account is deactivated
let proof = ""; // that the password was given

async function enter(path, body) {
  try {
    const found = await send("POST", path, { ...body, ...again });
    await welcome(found);
  } catch (error) {
    if (error.found?.type !== "/problems/deactivated") throw error;
    again = { reactivate: true };
    tell(entrance, WORDS.rests, true);
  }
}

does(the("enter"), "submit", async (form) => {
  const code = form.code.value ? { code: form.code.value } : {};
  try {
    await enter("/api/auth/session", { email: form.email.value, password: form.password.value, ...code });
  } catch (error) {
    if (error.found?.type !== "/problems/second-factor") throw error;
    proof = error.found.challenge || proof;
    form.querySelector(".code").hidden = false;
    form.querySelector(".use-passkey").hidden = !passkeys.able;
    const detail = `${error.found.detail[0].toUpperCase()}${error.found.detail.slice(1)}.`;
    tell(form, form.code.value ? detail : `${error.found.title}.`, Boolean(form.code.value));
    form.code.focus();
  }
});
does(the("enter").querySelector(".use-passkey"), "click", async () => {
  const options = await send("POST", "/api/auth/second-factor/options", { challenge: proof });
  await enter("/api/auth/second-factor/session", { challenge: proof, passkey: await passkeys.get(options) });
});
does(the("by-passkey"), "click", async () => {
  const options = await send("POST", "/api/auth/passkey/options");
  await enter("/api/auth/passkey/session", { passkey: await passkeys.get(options) });
});
if (the("ask-link")) {
  does(the("ask-link"), "submit", async (form) => {
    await send("POST", "/api/auth/link", { email: form.email.value });
    tell(form, the("forgot").dataset.done);
  });
}

// Where nobody is signed in.
function offer() {
  entrance.hidden = false;
  the("by-passkey").hidden = !passkeys.able;
  if (sessionStorage.getItem(LEFT)) tell(entrance, WORDS.ended);
  sessionStorage.removeItem(LEFT);
}

// The sign-in is over, so nothing stays of what somebody saw or typed: the page begins anew, as the market sends it.
function leave() {
  me = null;
  sessionStorage.setItem(LEFT, "1");
  document.body.replaceChildren();
  location.replace("/account");
}

// --- one's own ---

async function welcome(found) {
  csrf = found.csrf_token;
  me = { ...found.user, factors: [] };
  entrance.hidden = true;
  own.hidden = false;
  the("enter").reset();
  tell(own, "");
  the("who").textContent = `${me.name} · ${me.email}`;
  const form = the("profile-form");
  form.elements.name.value = me.name;
  form.language.value = me.language || "";
  the("passkey-form").hidden = !passkeys.able;
  the("who").focus();
  // a file, and what they keep, is nothing to somebody who has to set up a second factor first; whatever else is wrong is said by the buttons for it
  await Promise.all([showSessions(), showFactors(), showData().catch(() => {}), things.show().catch(() => {})]);
}

const when = (time) => new Date(time).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });

// A browser and its system, in short, where its own account of itself has them.
function device(agent) {
  const [browser] = /Edg|OPR|SamsungBrowser|Firefox|FxiOS|CriOS|(?:Chrome|Safari)(?!.*(?:Edg|OPR))/.exec(agent) || [];
  const [system] = /Android|iPhone|iPad|Windows|Mac OS X|CrOS|Linux/.exec(agent) || [];
  const short = { Edg: "Edge", OPR: "Opera", FxiOS: "Firefox", CriOS: "Chrome" };
  return browser && system ? `${short[browser] || browser}, ${system}` : agent || "–";
}

function row(kind, words, work) {
  const found = the(kind).content.cloneNode(true).firstElementChild;
  const button = found.querySelector("button");
  found.querySelector("span").textContent = words;
  button.setAttribute("aria-label", named(button.textContent, words));
  does(button, "click", async () => {
    const part = button.closest("section");
    await work();
    tell(part, WORDS.saved);
  });
  return found;
}

async function showSessions() {
  const { items } = await send("GET", "/api/users/me/sessions");
  const rows = items.map((one) => {
    const words = `${one.acting ? WORDS.acting : device(one.device)}, ${when(one.created_at)}`;
    const shown = row("end", words, async () => {
      await ask("DELETE", `/api/users/me/sessions/${one.id}`);
      await showSessions();
    });
    if (one.current) shown.querySelector("button").replaceWith(`(${WORDS.current})`);
    return shown;
  });
  the("sessions").querySelector("ul").replaceChildren(...rows);
}

async function showFactors() {
  const { items, recovery_codes_left: left } = await send("GET", "/api/users/me/second-factors");
  me.factors = items;
  for (const [kind, part] of [["passkey", "passkeys"], ["totp", "totp"]]) {
    const rows = items.filter((one) => one.kind === kind).map((one) =>
      row("remove", `${one.name}, ${when(one.created_at)}`, async () => {
        await ask("DELETE", `/api/users/me/second-factors/${one.id}`);
        await showFactors();
      }),
    );
    const none = document.createElement("li");
    none.textContent = WORDS.none;
    the(part).querySelector("ul").replaceChildren(...(rows.length ? rows : [none]));
  }
  the("codes").hidden = !items.length;
  the("codes").querySelector("strong").textContent = left;
  if (!items.length) the("fresh").hidden = true;
}

// Codes that are shown once.
function showCodes(codes) {
  if (!codes.length) return;
  const rows = codes.map((code) => {
    const item = document.createElement("li");
    item.append(Object.assign(document.createElement("code"), { textContent: code }));
    return item;
  });
  the("fresh").querySelector("ul").replaceChildren(...rows);
  the("fresh").hidden = false;
  the("fresh").focus();
}

does(the("profile-form"), "submit", async (form) => {
  const changed = { name: form.elements.name.value, language: form.language.value || null };
  Object.assign(me, await ask("PATCH", "/api/users/me", changed));
  the("who").textContent = `${me.name} · ${me.email}`;
  tell(form, WORDS.saved);
});
does(the("password-form"), "submit", async (form) => {
  await ask("PUT", "/api/users/me/password", { password: form.password.value });
  form.reset();
  tell(form, WORDS.saved);
  await showSessions();
});
does(the("passkey-form"), "submit", async (form) => {
  const begun = await ask("POST", "/api/users/me/second-factors", { kind: "passkey", name: form.elements.name.value });
  const passkey = await passkeys.create(begun.options);
  const { recovery_codes: codes } = await ask("POST", `/api/users/me/second-factors/${begun.id}/confirm`, { passkey });
  form.reset();
  await showFactors();
  tell(form, WORDS.saved);
  showCodes(codes);
});
does(the("totp-form"), "submit", async (form) => {
  const begun = await ask("POST", "/api/users/me/second-factors", { name: form.elements.name.value });
  const next = the("totp-code");
  next.dataset.id = begun.id;
  next.querySelector("code").textContent = begun.secret;
  next.querySelector("a").href = begun.uri;
  next.hidden = false;
  next.code.focus();
});
does(the("totp-code"), "submit", async (form) => {
  const path = `/api/users/me/second-factors/${form.dataset.id}/confirm`;
  const { recovery_codes: codes } = await ask("POST", path, { code: form.code.value });
  form.hidden = true;
  form.reset();
  the("totp-form").reset();
  form.querySelector("code").textContent = "";
  form.querySelector("a").href = "/account";
  await showFactors();
  tell(form, WORDS.saved);
  showCodes(codes);
});
does(the("renew"), "click", async () => showCodes((await ask("POST", "/api/users/me/recovery-codes")).recovery_codes));
does(the("everywhere"), "click", async () => {
  await send("POST", "/api/auth/logout?everywhere=true");
  leave();
});
does(the("out"), "click", async () => {
  await send("DELETE", "/api/auth/session");
  leave();
});
// The file of one's data that is there to be saved, by the operation that has made it.
let written = null;

function showFile(found) {
  const link = the("data").querySelector("a");
  written = found;
  link.hidden = !found;
  link.nextElementSibling.textContent = found ? when(found.finished_at) : "";
  if (found) link.href = found.result.file;
}

async function showData() {
  const { items } = await send("GET", "/api/operations?kind=account.export&status=succeeded&limit=1");
  const [found] = items.filter((one) => new Date(one.result.expires_at) > Date.now());
  showFile(found || null);
}

// The newest export, once it is over: a new one, or the one that goes on already.
async function exported(bar) {
  let found = await ask("POST", "/api/users/me/export");
  for (let pause = PAUSE; me && ["queued", "running"].includes(found.status); pause = Math.min(pause * 1.5, 8 * PAUSE)) {
    if (found.progress.total) Object.assign(bar, { max: found.progress.total, value: found.progress.done });
    await new Promise((resolve) => setTimeout(resolve, pause));
    found = await send("GET", `/api/operations/${found.id}`);
  }
  return found;
}

does(the("export"), "click", async (button) => {
  const bar = the("data").querySelector("progress");
  await showData();
  if (!written || Date.now() - new Date(written.finished_at) > FRESH) {
    showFile(null);
    bar.hidden = false;
    bar.removeAttribute("value");
    tell(button, WORDS.dataGoing);
    try {
      const found = await exported(bar);
      if (found.status !== "succeeded") return tell(button, WORDS.dataFailed, true);
      showFile(found);
    } finally {
      bar.hidden = true;
    }
  }
  tell(button, "");
  return the("data").querySelector("a").focus();
});

// --- the beginning ---

things.begin();

// A page that a browser kept, for its button "back", may show somebody who has signed out since.
addEventListener("pageshow", (shown) => shown.persisted && me && location.reload());

const names = [...the("profile-form").language.options].filter((one) => one.value);
for (const one of names) one.textContent = new Intl.DisplayNames([one.value], { type: "language" }).of(one.value);
if (!begun) {
  send("GET", "/api/auth/session").then(welcome, (error) => {
    offer();
    if (!error.found) failed(error, entrance);
  });
}
