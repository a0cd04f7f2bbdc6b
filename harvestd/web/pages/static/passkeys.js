"use strict";
// Passkeys in a browser, also one that does not know the standard's own functions for JSON yet.
// The domain that the market's passkeys are for.
const { domain } = document.currentScript.dataset;
const here = location.hostname === domain || location.hostname.endsWith(`.${domain}`);
for (const one of document.querySelectorAll(".not-here")) one.hidden = here;

const passkeys = {
  able: Boolean(here && window.PublicKeyCredential && navigator.credentials),

  // What is said of an error that has come of a passkey, or of a person who stops; nothing of any other.
  why(error, words) {
    const known = { AbortError: words.cancelled, NotAllowedError: words.refused, InvalidStateError: words.hasOne };
    return error instanceof DOMException ? known[error.name] || words.unusable : undefined;
  },

  // What the browser answers; whatever it cannot do is told by why.
  async asked(how, publicKey, signal) {
    try {
      return await navigator.credentials[how]({ publicKey, signal });
    } catch (error) {
      throw error instanceof DOMException ? error : new DOMException(error.message, "NotSupportedError");
    }
  },

  bytes(text) {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
  },

  text(buffer) {
    const found = btoa(String.fromCharCode(...new Uint8Array(buffer)));
    return found.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  },

  names(list) {
    return list.map((one) => ({ ...one, id: passkeys.bytes(one.id) }));
  },

  sent(credential, names) {
    const response = {};
    for (const name of names) if (credential.response[name]) response[name] = passkeys.text(credential.response[name]);
    if (credential.response.getTransports) response.transports = credential.response.getTransports();
    return JSON.stringify({ id: credential.id, rawId: passkeys.text(credential.rawId), type: credential.type, response });
  },

  // What a new passkey is, for the options of the market.
  async create(options) {
    const publicKey = {
      ...options,
      challenge: passkeys.bytes(options.challenge),
      user: { ...options.user, id: passkeys.bytes(options.user.id) },
      excludeCredentials: passkeys.names(options.excludeCredentials),
    };
    return passkeys.sent(await passkeys.asked("create", publicKey), ["clientDataJSON", "attestationObject"]);
  },

  // What a passkey answers, unless `signal` says that nobody wants to know any more.
  async get(options, signal) {
    const publicKey = {
      ...options,
      challenge: passkeys.bytes(options.challenge),
      allowCredentials: passkeys.names(options.allowCredentials),
    };
    const names = ["clientDataJSON", "authenticatorData", "signature", "userHandle"];
    return passkeys.sent(await passkeys.asked("get", publicKey, signal), names);
  },
};
