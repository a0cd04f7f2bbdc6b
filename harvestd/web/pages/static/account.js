"use strict";
// What a mailed link leads to: the part of the address behind # says what is to be done, and has the token. It is sent to the market
// only when the button is pressed, so that programs that follow the links of mails use none up.
const [, what, token] = /^#(verify|reset|link)=([A-Za-z0-9_-]+)$/.exec(location.hash) || [null, "forgot", ""];
const form = document.getElementById(what);
const said = document.getElementById("said");
const ROUTES = {
  verify: "/api/auth/email/verify",
  reset: "/api/auth/password/reset",
  link: "/api/auth/link/use",
  forgot: "/api/auth/password/forgot",
};
const DONE = {
  verify: "Thank you. The address is confirmed.",
  reset: "The new password is set. Sign in with it.",
  link: "You are signed in.",
  forgot: "If there is an account with this address, a mail is on its way to it.",
};

function say(words, wrong) {
  said.textContent = words;
  said.className = wrong ? "wrong" : "";
  said.focus();
}

form.hidden = false;
if (token) history.replaceState(null, "", location.pathname); // out of the history, and of what is bookmarked
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = what === "forgot" ? { email: form.email.value } : { token };
  if (what === "reset") body.password = form.password.value;
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch(ROUTES[what], {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (answer.ok) {
      form.hidden = true;
      say(DONE[what]);
    } else {
      const found = await answer.json();
      const messages = (found.errors || []).map((one) => one.message);
      say([found.title, ...(messages.length ? messages : [found.detail])].join(": "), true);
    }
  } catch {
    say("The market does not answer. Please try again in a moment.", true);
  } finally {
    button.disabled = false;
  }
});
