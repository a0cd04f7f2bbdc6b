"use strict";
// What somebody keeps with their account: a picture, addresses, API keys; and the rest that they may give it. own.js has the page filled in once
// somebody is signed in, and what both use.
const things = {
  begin() {
    does(the("picture-form"), "submit", async (form) => {
      Object.assign(me, await this.upload("/api/users/me/avatar", form.file.files[0]));
      form.reset();
      this.showPicture();
      tell(form, WORDS.saved);
    });
    does(the("picture-remove"), "click", async (button) => {
      await ask("DELETE", "/api/users/me/avatar");
      me.avatar = null;
      this.showPicture();
      tell(button, WORDS.saved);
    });
    does(the("address-form"), "submit", async (form) => {
      const fields = Object.fromEntries(new FormData(form));
      const body = { ...fields, phone: fields.phone || null };
      // the same id if it is sent again: what was stored, and not answered, is not stored twice
      form.dataset.id ||= this.newId();
      await ask("PUT", `/api/users/me/addresses/${form.dataset.id}`, body);
      delete form.dataset.id;
      form.reset();
      await this.showAddresses();
      tell(form, WORDS.saved);
    });
    does(the("key-form"), "submit", async (form) => {
      const scopes = [...form.querySelectorAll("[name=scopes]:checked")].map((one) => one.value);
      const day = form.expires.value;
      const ends = day ? { expires_at: new Date(`${day}T23:59:59`).toISOString() } : {};
      const made = await ask("POST", "/api/users/me/api-keys", { name: form.elements.name.value, scopes, ...ends });
      form.reset();
      await this.showKeys();
      const shown = the("key-shown");
      shown.querySelector("code").textContent = made.key;
      shown.hidden = false;
      shown.focus();
    });
    does(the("rest-button"), "click", async () => {
      await ask("POST", "/api/users/me/deactivation");
      leave();
    });
  },

  async show() {
    this.showPicture();
    for (const scope of the("key-form").querySelectorAll("[data-roles]")) scope.hidden = !scope.dataset.roles.split(" ").includes(me.role);
    await Promise.all([this.showAddresses(), this.showKeys()]);
  },

  showPicture() {
    const picture = the("picture").querySelector("img");
    const found = me.avatar?.sizes.large;
    picture.hidden = the("picture-remove").hidden = !found;
    if (found) Object.assign(picture, { src: found.webp, width: found.width, height: found.height });
    else picture.removeAttribute("src");
  },

  async showAddresses() {
    const { items } = await send("GET", "/api/users/me/addresses?limit=100");
    const words = (one) => [one.label, one.recipient, ...one.address.split("\n"), one.phone, one.note].filter(Boolean).join(", ");
    this.list("addresses", items, words, "/api/users/me/addresses", () => this.showAddresses());
  },

  async showKeys() {
    const { items } = await send("GET", "/api/users/me/api-keys?limit=100");
    const until = (one) => (one.expires_at ? ` – ${when(one.expires_at)}` : "");
    const words = (one) => `${one.name} (${one.hint}…): ${one.scopes.join(", ")}; ${when(one.created_at)}${until(one)}`;
    the("key-shown").hidden = true;
    the("key-shown").querySelector("code").textContent = "";
    this.list("keys", items, words, "/api/users/me/api-keys", () => this.showKeys());
  },

  list(part, items, words, path, anew) {
    const rows = items.map((one) =>
      row("remove", words(one), async () => {
        await ask("DELETE", `${path}/${one.id}`);
        await anew();
      }),
    );
    const none = Object.assign(document.createElement("li"), { textContent: WORDS.none });
    the(part).querySelector("ul").replaceChildren(...(rows.length ? rows : [none]));
  },

  async upload(path, file) {
    const body = new FormData();
    body.append("file", file);
    const headers = { Accept: "application/json, application/problem+json", "X-CSRF-Token": csrf };
    const answer = await fetch(path, { method: "PUT", headers, body });
    const found = await answer.json();
    if (!answer.ok) throw new Refused(found);
    return found;
  },

  // Also at an address without TLS, where the browser gives out none by itself.
  newId() {
    const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = bytes.map((one) => one.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  },
};
