// An anchor whose business decides and pays by a server of its own: what a sending anchor sees of that, also while it is down.

import assert from "node:assert/strict";
import { expect, request } from "./http.mjs";
import { Inbox } from "./inbox.mjs";
import { bySDK } from "./login.mjs";
import { People, receiver, sender } from "./people.mjs";
import { Quotes } from "./quotes.mjs";
import { until } from "./report.mjs";
import { Transfers } from "./transfers.mjs";

const soon = 3_000; // an answer, where the anchor waits for a second

export class BusinessScenario {
  constructor(report, world, anchor, account) {
    Object.assign(this, { report, world, anchor, account, server: world.business });
  }

  async run() {
    this.toml = await this.anchor.sep1();
    this.inbox = await Inbox.open(this.toml.signingKey);
    try {
      await this.getReady();
      await this.decide();
      await this.pay();
      await this.report.step("no log holds a secret, a person's data or a fault", async () => this.world.checkLogs(this.secrets()));
      await this.dieOverAPayout();
      await this.beAway();
      await this.report.step("each transaction was paid once, and the server's ledger holds nothing personal", async () => this.checkLedger());
      await this.report.step("no log holds a secret or a person's data", async () => this.world.checkLogs(this.secrets(), { faults: true }));
    } finally {
      this.inbox.close();
    }
  }

  async getReady() {
    const { report, world, anchor, account } = this;
    await report.step("anchor doctor has an answer of every part of the server", async () => {
      const said = await world.programs.run(["doctor"]).catch((error) => error.message); // a new watcher may have read nothing yet
      for (const part of ["receiver", "customers", "quotes", "rail bank"]) assert.ok(said.includes(`ok  business' server, ${part}: `), said);
    });
    await world.network.open(account);
    await world.network.fill(account, world.asset, world.issuer, "10000");
    const auth = await report.step("logged in by stellar-sdk", () => bySDK(anchor, world.domain, account));
    this.token = auth.token;
    this.people = new People(await anchor.sep12(auth), this.toml.kycServer, this.token);
    this.quotes = new Quotes(anchor.sep38(auth), world.sep38);
    this.transfers = new Transfers(world, this.toml.directPaymentServer, this.token, account, this.inbox);
  }

  // decide is about what the server says yes and no to.
  async decide() {
    const { report, people, quotes, transfers } = this;
    this.parties = await report.step("two people are registered, as the server demands it", async () => ({
      sender_id: await people.register("sep31-sender", "1", sender),
      receiver_id: await people.register("sep31-receiver", "2", receiver),
    }));
    await report.step("an account that the server does not know is refused", () => this.refuseAStranger());
    await report.step("an amount that the server does not take is refused in its words", async () => {
      const { status, body } = await this.ask({ amount: 100001, ...this.parties });
      assert.equal(status, 400);
      assert.match(body.error, /at most 100000 are accepted/);
    });
    await report.step("SEP-31 info names the asset", () => transfers.info());
    await report.step("SEP-38 prices are the server's", () => quotes.price());
    this.quote = await report.step("a firm quote of the server stays the same", () => quotes.firm("100"));
    assert.equal(Number(this.quote.buy_amount), 537.3);
  }

  async refuseAStranger() {
    const { world, anchor } = this;
    const stranger = await world.network.open();
    const { token } = await bySDK(anchor, world.domain, stranger);
    const json = { asset_code: "USDC", funding_method: "SEPA", amount: 10, ...this.parties };
    await expect(403, "POST", `${this.toml.directPaymentServer}/transactions`, { token, json });
  }

  // ask asks for a transaction, whatever the answer.
  ask(body) {
    const json = { asset_code: "USDC", funding_method: "SEPA", ...body };
    return request("POST", `${this.toml.directPaymentServer}/transactions`, { token: this.token, json });
  }

  async pay() {
    const { report, transfers, parties, quote, world } = this;
    this.completed = [];
    await report.step("a transfer without conversion is completed, at the server's fee", async () => {
      const agreed = await transfers.agree({ amount: 200, ...parties });
      const { completed } = await transfers.pay(agreed, agreed.id, "200");
      assert.equal(Number(completed.amount_out), 198);
      assert.equal(Number(completed.fee_details.total), 2);
      this.completed.push(completed);
    });
    await report.step("a transfer at a firm quote is completed with its amounts", async () => {
      const body = { amount: quote.sell_amount, quote_id: quote.id, destination_asset: world.sep38.buy, ...parties };
      const agreed = await transfers.agree(body);
      const { completed } = await transfers.pay(agreed, agreed.id, quote.sell_amount);
      assert.equal(completed.amount_out, quote.buy_amount);
      this.completed.push(completed);
    });
    await report.step("a transfer without a quote is priced by the server when it is paid", async () => {
      const agreed = await transfers.agree({ amount: "50", destination_asset: world.sep38.buy, ...parties });
      const { completed } = await transfers.pay(agreed, agreed.id, "50");
      assert.equal(Number(completed.amount_out), 267.3);
      this.completed.push(completed);
    });
  }

  // dieOverAPayout kills the server when it was sent a payout of which it has kept nothing.
  async dieOverAPayout() {
    const { report, world, server, transfers } = this;
    const { agreed, payout } = await report.step("the server is killed while it is to pay: the anchor does not know and sends nothing again", async () => {
      const agreed = await transfers.agree({ amount: 30, ...this.parties });
      server.halt();
      await world.network.pay(this.account, world.asset, "30", agreed);
      const payout = await until("the payout is unknown", () => this.unknownPayout(agreed.id));
      await server.kill();
      await server.start();
      await this.isBack();
      assert.equal(server.paid(agreed.id), 0);
      assert.ok(await this.unknownPayout(agreed.id));
      return { agreed, payout };
    });
    await report.step("an operator who has looked into the server's ledger has it paid", async () => {
      await world.programs.run(["payouts", "resolve", payout, "--as", "failed", "--reason", "not in the ledger of the server"]);
      await world.programs.run(["payouts", "retry", agreed.id, "--reason", "the server is well again"]);
      this.completed.push(await transfers.awaitStatus(agreed.id, "completed"));
    });
  }

  async unknownPayout(transaction) {
    const list = await this.world.programs.run(["payouts", "list", "--state", "unknown"]);
    return list.split("\n").map((line) => line.split(/ +/)).find(([, of]) => of === transaction)?.[0];
  }

  // isBack waits until the anchor asks the server again, which it leaves alone for a while when it does not answer.
  async isBack() {
    await until("the anchor asks the server again", async () => (await request("GET", `${this.toml.directPaymentServer}/info`)).status === 200);
  }

  // beAway is about payments that arrive while the server is down.
  async beAway() {
    const { report, world, server, transfers } = this;
    const agreed = await transfers.agree({ amount: 40, ...this.parties });
    await report.step("while the server is down requests are refused soon and in SEP-31's form", async () => {
      await server.kill();
      for (let tries = 0; tries < 5; tries++) {
        const began = Date.now();
        const { status, body } = await this.ask({ amount: 41, ...this.parties });
        assert.equal(status, 503);
        assert.deepEqual(Object.keys(body), ["error"]);
        assert.ok(Date.now() - began < soon, `after ${Date.now() - began} ms`);
      }
      await expect(503, "GET", `${this.toml.kycServer}/customer?type=sep31-sender`, { token: this.token });
    });
    await report.step("what is paid meanwhile is credited, and the sending anchor told", async () => {
      await world.network.pay(this.account, world.asset, "40", agreed);
      await this.inbox.await(`/${agreed.id}`, ({ transaction }) => transaction.status === "pending_receiver");
    });
    await report.step("it is paid out when the server is back", async () => {
      await server.start();
      await this.isBack();
      this.completed.push(await transfers.awaitStatus(agreed.id, "completed"));
    });
  }

  checkLedger() {
    const { server } = this;
    assert.equal(server.payouts().length, this.completed.length);
    for (const { id, external_transaction_id: external } of this.completed) {
      const lines = server.payouts().filter((payout) => payout.transaction_id === id);
      assert.deepEqual(lines.map((line) => line.external_id), [external]);
    }
    const text = JSON.stringify(server.payouts()) + server.complaints;
    for (const personal of [...Object.values(sender), ...Object.values(receiver)]) assert.ok(!text.includes(personal), "it tells of a person");
  }

  secrets() {
    return [this.token, this.server.keys.split(":")[1], ...Object.values(sender), ...Object.values(receiver)];
  }
}
