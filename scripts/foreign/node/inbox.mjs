// What a sending anchor gets told: status messages, each with a signature that must be right.

import assert from "node:assert/strict";
import { Keypair } from "@stellar/stellar-sdk";
import { serve } from "./http.mjs";
import { until } from "./report.mjs";

const freshFor = 120; // seconds

export class Inbox {
  messages = []; // {path, body}
  refused = []; // why

  static async open(signingKey) {
    const inbox = new Inbox();
    inbox.key = Keypair.fromPublicKey(signingKey);
    inbox.server = await serve((request, body) => inbox.#take(request, body));
    return inbox;
  }

  url(path) {
    return `http://${this.server.host}${path}`;
  }

  #take(request, body) {
    try {
      this.#verify(request, body);
      this.messages.push({ path: request.url, body: JSON.parse(body) });
      return { status: 200 };
    } catch (error) {
      this.refused.push(error.message);
      return { status: 400, text: error.message };
    }
  }

  // SEP-31 "Callback Signature": t=<seconds>, s=<base64> over <t>.<host>.<body>.
  #verify(request, body) {
    const [, at, signature] = /^t=(\d+), ?s=(\S+)$/.exec(request.headers.signature ?? "") ?? [];
    assert.ok(at, `no signature: ${request.headers.signature}`);
    assert.ok(Math.abs(Date.now() / 1000 - Number(at)) < freshFor, "the signature is old");
    const signed = Buffer.concat([Buffer.from(`${at}.${request.headers.host}.`), body]);
    assert.ok(this.key.verify(signed, Buffer.from(signature, "base64")), "the signature is wrong");
    assert.equal(request.headers["x-stellar-signature"], request.headers.signature, "the deprecated header has another value");
  }

  at(path) {
    return this.messages.filter((message) => message.path === path).map((message) => message.body);
  }

  // await waits for a message to a path that is as wanted, and returns all that came there so far.
  async await(path, wanted) {
    await until(`a message to ${path}`, () => {
      assert.deepEqual(this.refused, []);
      return this.at(path).some(wanted);
    });
    return this.at(path);
  }

  close() {
    this.server.close();
  }
}
