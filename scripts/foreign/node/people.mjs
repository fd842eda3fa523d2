// SEP-12 by the wallet SDK; files and callbacks, which it does not know, by hand.

import assert from "node:assert/strict";
import { expect } from "./http.mjs";

// A PNG of one pixel: an anchor may look at what it gets.
export const photo = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

export const sender = { first_name: "Ana", last_name: "Souza" };
export const receiver = { first_name: "Bruno", bank_account_number: "7700123456091" };

export class People {
  constructor(kyc, url, token) {
    this.kyc = kyc; // the wallet SDK's client
    this.url = url; // KYC_SERVER
    this.token = token;
  }

  // registerSender sends the photo in the request, as the wallet SDK does it: multipart, the memo behind the photo.
  async registerSender() {
    const { id } = await this.kyc.add({ type: "sep31-sender", memo: "1", sep9Info: sender, sep9BinaryInfo: { photo_id_front: photo } });
    return this.#accepted({ id, type: "sep31-sender" });
  }

  // register registers a person without a photo.
  async register(type, memo, sep9Info) {
    const { id } = await this.kyc.add({ type, memo, sep9Info });
    return this.#accepted({ id, type });
  }

  async registerReceiver() {
    const { id } = await this.kyc.add({ type: "sep31-receiver", memo: "2", sep9Info: receiver });
    return this.#accepted({ id, type: "sep31-receiver" });
  }

  // addPhotoByFile gives a photo that was uploaded before, and returns the customer's id, which must not change.
  async addPhotoByFile(id) {
    const form = new FormData();
    form.append("file", new Blob([photo], { type: "image/png" }), "front.png");
    const file = await expect(200, "POST", `${this.url}/customer/files`, { token: this.token, form });
    assert.equal(file.content_type, "image/png");
    assert.equal(file.size, photo.length);
    assert.equal((await this.kyc.update({ id, sep9Info: { photo_id_front_file_id: file.file_id } })).id, id);
    const { files } = await expect(200, "GET", `${this.url}/customer/files?file_id=${file.file_id}`, { token: this.token });
    assert.equal(files.length, 1);
    assert.equal(files[0].customer_id, id);
    const customer = await this.kyc.getCustomer({ id, type: "sep31-receiver" });
    assert.ok("photo_id_front" in customer.provided_fields, JSON.stringify(customer));
  }

  // completeLater registers a customer in two steps and has its status told to an inbox in between.
  async completeLater(inbox) {
    const { id } = await this.kyc.add({ type: "sep31-receiver", memo: "3", sep9Info: { first_name: receiver.first_name } });
    const missing = await this.kyc.getCustomer({ id, type: "sep31-receiver" });
    assert.equal(missing.status, "NEEDS_INFO");
    assert.deepEqual(Object.keys(missing.fields).filter((name) => !missing.fields[name].optional), ["bank_account_number"]);
    await expect(200, "PUT", `${this.url}/customer/callback`, { token: this.token, json: { id, url: inbox.url("/customer") } });
    await this.kyc.update({ id, type: "sep31-receiver", sep9Info: { bank_account_number: receiver.bank_account_number } });
    const [message] = await inbox.await("/customer", ({ status }) => status === "ACCEPTED");
    assert.equal(message.id, id);
    return id;
  }

  // registerFor registers a person for a transaction that was agreed on without it.
  async registerFor(transactionId, type, fields, photos = {}) {
    await this.kyc.add({ transactionId, type, sep9Info: fields, sep9BinaryInfo: photos });
    await this.#accepted({ transactionId, type });
  }

  // forget deletes a customer, after which nobody knows it.
  async forget(account, memo, id) {
    await this.kyc.delete(account, memo);
    await expect(404, "GET", `${this.url}/customer?id=${id}`, { token: this.token });
  }

  async #accepted(by) {
    const customer = await this.kyc.getCustomer(by);
    assert.equal(customer.status, "ACCEPTED", JSON.stringify(customer));
    return customer.id;
  }
}
