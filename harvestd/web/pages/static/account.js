"use strict";
// What a mailed link leads to: the part of the address behind # says what is to be done, and has the token. It is sent to the market
// only when the button is pressed, so that programs that follow the links of mails use none up. Who signs in with an account elsewhere
// comes here for the code of their second factor, or to be told why they are not signed in.
// What programs that count or write out links put behind the token is none of it.
const LINK = /^#(verify|reset|link|invitation|factor)=([\w-]+(?:\.[\w-]+)*)/;
const [, what, token] = LINK.exec(location.hash) || [null, "forgot", ""];
const [, to = ""] = /&return_to=([^&]*)/.exec(location.hash) || [];
const [, problem] = /^#problem=([a-z-]+)$/.exec(location.hash) || [];
// Without any of these the page is that of one's own account (own.js).
const begun = Boolean(token || problem || location.hash.startsWith("#forgot"));
const form = document.getElementById(what);
const said = document.getElementById("said");
const ROUTES = {
  verify: "/api/auth/email/verify",
  reset: "/api/auth/password/reset",
  link: "/api/auth/link/session",
  factor: "/api/auth/second-factor/session",
  invitation: `/api/invitations/${token}/accept`,
  forgot: "/api/auth/password/forgot",
};
// What is said here stands in the page, in its language.
const WORDS = said.dataset;

// A name and what is told of it, as the language writes that.
const named = (name, words) => WORDS.named.replace(/\{(name|words)\}/g, (_, which) => (which === "name" ? name : words));

function say(words, wrong) {
  said.textContent = words;
  said.className = wrong ? "wrong" : "";
  said.focus();
}

// To where they wanted, if that is here: whoever made the link may have made that, too.
function goOn() {
  try {
    const there = new URL(decodeURIComponent(to), location.origin);
    if (to && there.origin === location.origin) location.replace(there);
  } catch {
    // it is no address; they are signed in all the same
  }
}

// Where a code was sent, it is the code that is wrong, which the detail alone says.
function sentence(found) {
  const detail = `${found.detail[0].toUpperCase()}${found.detail.slice(1)}.`;
  return form.code && form.code.value ? detail : `${found.title}. ${detail}`;
}

function name(field) {
  return form[field] && form[field].dataset.name ? form[field].dataset.name : field;
}

function post(path, body, more) {
  const headers = { "Content-Type": "application/json", ...more };
  return fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
}

// The browser's session, if it has one: whose it is, and what goes with what it changes.
async function session() {
  const answer = await fetch("/api/auth/session").catch(() => null);
  if (!answer?.ok) return null;
  const { user, csrf_token: csrf } = await answer.json();
  return { user, headers: { "X-CSRF-Token": csrf } };
}

// Whoever is signed in accepts as that, without a password.
async function welcomeInvited() {
  signedIn = await session();
  if (!signedIn) return;
  const as = form.querySelector(".as");
  as.textContent = as.textContent.replace("{email}", () => signedIn.user.email);
  as.hidden = false;
  form.querySelector(".who").remove();
  form.querySelector("button").textContent = as.dataset.accept;
}

// Whoever is signed in is sent another mail to verify their address, in place of a link that is no longer good.
async function offerAnew() {
  signedIn = await session();
  const button = document.getElementById("anew");
  button.hidden = !signedIn;
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const answer = await post("/api/auth/email/verification", {}, signedIn.headers);
      if (!answer.ok) return say(sentence(await answer.json()), true);
      button.hidden = true;
      document.getElementById("again").hidden = true;
      say(button.dataset.done);
    } catch {
      say(WORDS.away, true);
    } finally {
      button.disabled = false;
    }
  });
}

function refuse(found) {
  const errors = found.errors || [];
  if (found.type === "/problems/second-factor") {
    const asked = form.querySelector(".code");
    asked.hidden = false;
    form.code.required = true;
    challenge = found.challenge || challenge;
    form.querySelector(".use-passkey").hidden = !passkeys.able;
    if (form.code.value) say(sentence(found), true);
    else say(`${found.title}.`);
    form.code.focus();
    return;
  }
  const told = errors.map((one) => `${named(name(one.field), one.message)}.`).join(" ");
  if (what === "link" && errors.some((one) => one.field === "email")) {
    const asked = form.querySelector(".whose");
    document.getElementById("again").hidden = asked.hidden;
    say(asked.hidden ? WORDS.whose : told, !asked.hidden);
    asked.hidden = false;
    form.email.required = true;
    form.email.focus();
    return;
  }
  if (errors.some((one) => one.field === "token") || found.status === 404) {
    form.hidden = true;
    document.getElementById("again").hidden = false;
    say(WORDS.old, true);
    if (what === "verify") offerAnew();
  } else {
    say(told || sentence(found), true);
  }
}

let challenge = what === "factor" ? token : "";
let passkey = {}; // the answer of one, in place of the code
let reopen = {}; // once the person was told that the account is deactivated
let signedIn = null; // who is, where that matters
form.hidden = !begun || Boolean(problem);
document.getElementById("back").hidden = form.hidden || what !== "forgot";
if (what === "invitation") welcomeInvited();
if (problem) {
  const told = document.getElementById(`problem-${problem}`) || document.getElementById("problem-other");
  told.hidden = false;
  told.focus();
}
if (what === "factor") {
  form.querySelector(".code").hidden = false;
  form.code.required = true;
  form.querySelector(".use-passkey").hidden = !passkeys.able;
}
if (location.hash.includes("=")) history.replaceState(null, "", location.pathname); // out of the history, and of what is bookmarked
addEventListener("hashchange", () => location.hash && location.reload());
form.querySelector(".use-passkey")?.addEventListener("click", async () => {
  try {
    const answer = await post("/api/auth/second-factor/options", { challenge });
    if (!answer.ok) return say((await answer.json()).title, true);
    passkey = { passkey: await passkeys.get(await answer.json()) };
    form.code.required = false;
    form.code.value = "";
    form.requestSubmit();
  } catch (error) {
    say(passkeys.why(error, WORDS) || WORDS.away, true);
  }
});
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = what === "forgot" ? { email: form.email.value } : { [what === "factor" ? "challenge" : "token"]: token };
  if (what === "reset") body.password = form.password.value;
  const code = form.code && form.code.value ? { code: form.code.value } : passkey;
  passkey = {};
  if (what === "link" || what === "factor") Object.assign(body, code, reopen);
  if (what === "link" && form.email.value) body.email = form.email.value;
  const button = form.querySelector("button");
  button.disabled = true;
  say(WORDS.busy);
  try {
    let answer = null;
    if (signedIn) {
      answer = await post(ROUTES[what], {}, signedIn.headers);
    } else if (what === "invitation") {
      // whoever accepts has an account: the page signs in for this one request
      answer = await post("/api/auth/login", { email: form.email.value, password: form.password.value, ...code, ...reopen });
      if (answer.ok) {
        const bearer = { Authorization: `Bearer ${(await answer.json()).access_token}` };
        answer = await post(ROUTES[what], {}, bearer);
        await post("/api/auth/logout", {}, bearer);
      }
    } else {
      answer = await post(ROUTES[what], body);
    }
    if (answer.ok) {
      form.hidden = true;
      document.getElementById("again").hidden = true;
      const { user } = what === "link" ? await answer.json() : {};
      say(form.dataset.done.replace("{email}", () => user.email));
      document.getElementById("onward").hidden = what === "forgot";
      if (what === "factor") goOn();
    } else {
      const problem = await answer.json();
      if (problem.type === "/problems/deactivated") {
        reopen = { reactivate: true };
        say(WORDS.rests, true);
      } else {
        refuse(problem);
      }
    }
  } catch {
    say(WORDS.away, true);
  } finally {
    button.disabled = false;
  }
});
