// SEP-31, for which neither SDK has a client, paid by stellar-sdk.

import assert from "node:assert/strict";
import { expect } from "./http.mjs";
import { near } from "./quotes.mjs";
import { until } from "./report.mjs";

export class Transfers {
  constructor(world, url, token, account, inbox) {
    Object.assign(this, { world, url, token, account, inbox }); // url is DIRECT_PAYMENT_SERVER
  }

  async info() {
    const { receive } = await expect(200, "GET", `${this.url}/info`);
    assert.deepEqual(receive.USDC.funding_methods, ["SEPA"]);
  }

  // agree makes a transaction and asks for messages about it. Returns the answer of the POST.
  async agree(body) {
    const agreed = await expect(201, "POST", `${this.url}/transactions`, {
      token: this.token,
      json: { asset_code: "USDC", asset_issuer: this.world.issuer.publicKey(), funding_method: "SEPA", ...body },
    });
    await expect(204, "PUT", `${this.url}/transactions/${agreed.id}/callback`, {
      token: this.token,
      json: { url: this.inbox.url(`/${agreed.id}`) },
    });
    return agreed;
  }

  async get(id) {
    const { transaction } = await expect(200, "GET", `${this.url}/transactions/${id}`, { token: this.token });
    return transaction;
  }

  async awaitStatus(id, status) {
    return until(`${id} is ${status}`, async () => {
      const transaction = await this.get(id);
      return transaction.status === status && transaction;
    });
  }

  // refused asks for a transaction that must not come about.
  async refused(body) {
    const json = { asset_code: "USDC", funding_method: "SEPA", ...body };
    const { error } = await expect(400, "POST", `${this.url}/transactions`, { token: this.token, json });
    assert.ok(error);
  }

  // pay pays what was agreed, follows it to its end and returns the completed transaction with the statuses that were told.
  // The last message must be the transaction as it is then.
  async pay(where, id, amount, from = this.account) {
    const hash = await this.world.network.pay(from, this.world.asset, amount, where);
    const completed = await this.awaitStatus(id, "completed");
    assert.equal(completed.stellar_transaction_id, hash);
    near(Number(completed.amount_in), Number(amount));
    const told = await this.inbox.await(`/${id}`, ({ transaction }) => transaction.status === "completed");
    assert.deepEqual(told.at(-1).transaction, completed);
    return { completed, statuses: told.map(({ transaction }) => transaction.status) };
  }
}
