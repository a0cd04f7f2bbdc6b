"use strict";
// What a mailed link leads to: the part of the address behind # says what is to be done, and has the token. It is sent to the market
// only when the button is pressed, so that programs that follow the links of mails use none up. Who signs in with an account elsewhere
// comes here for the code of their second factor, or to be told why they are not signed in.
const LINK = /^#(verify|reset|link|invitation|factor)=([A-Za-z0-9._-]+)(?:&return_to=([^&]*))?$/;
const [, what, token, to = ""] = LINK.exec(location.hash) || [null, "forgot", ""];
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

function post(path, body, bearer) {
  const headers = { "Content-Type": "application/json" };
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  return fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
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
  if (errors.some((one) => one.field === "token") || found.status === 404) {
    form.hidden = true;
    document.getElementById("again").hidden = false;
    say(WORDS.old, true);
  } else {
    const told = errors.map((one) => `${name(one.field)}: ${one.message}.`);
    say(told.length ? told.join(" ") : sentence(found), true);
  }
}

let challenge = what === "factor" ? token : "";
let passkey = {}; // the answer of one, in place of the code
let reopen = {}; // once the person was told that the account is deactivated
form.hidden = !begun || Boolean(problem);
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
if (token || problem) history.replaceState(null, "", location.pathname); // out of the history, and of what is bookmarked
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
    say(error.name === "TypeError" ? WORDS.away : WORDS.refused, true);
  }
});
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = what === "forgot" ? { email: form.email.value } : { [what === "factor" ? "challenge" : "token"]: token };
  if (what === "reset") body.password = form.password.value;
  const code = form.code && form.code.value ? { code: form.code.value } : passkey;
  passkey = {};
  if (what === "link" || what === "factor") Object.assign(body, code, reopen);
  const button = form.querySelector("button");
  button.disabled = true;
  say(WORDS.busy);
  try {
    let answer = null;
    if (what === "invitation") {
      // whoever accepts has an account: the page signs in for this one request
      answer = await post("/api/auth/login", { email: form.email.value, password: form.password.value, ...code, ...reopen });
      if (answer.ok) {
        const { access_token: bearer } = await answer.json();
        answer = await post(ROUTES[what], {}, bearer);
        await post("/api/auth/logout", {}, bearer);
      }
    } else {
      answer = await post(ROUTES[what], body);
    }
    if (answer.ok) {
      form.hidden = true;
      say(form.dataset.done);
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
