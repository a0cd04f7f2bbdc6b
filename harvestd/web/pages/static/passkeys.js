"use strict";
// Passkeys in a browser, also one that does not know the standard's own functions for JSON yet.
const passkeys = {
  able: Boolean(window.PublicKeyCredential && navigator.credentials),

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
    return passkeys.sent(await navigator.credentials.create({ publicKey }), ["clientDataJSON", "attestationObject"]);
  },

  // What a passkey answers.
  async get(options) {
    const publicKey = {
      ...options,
      challenge: passkeys.bytes(options.challenge),
      allowCredentials: passkeys.names(options.allowCredentials),
    };
    const names = ["clientDataJSON", "authenticatorData", "signature", "userHandle"];
    return passkeys.sent(await navigator.credentials.get({ publicKey }), names);
  },
};
