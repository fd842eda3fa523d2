// What a sending anchor does, step by step.

import assert from "node:assert/strict";
import { Inbox } from "./inbox.mjs";
import { ClientDomain, byWallet } from "./login.mjs";
import { Keypair } from "./network.mjs";
import { People, photo, receiver, sender } from "./people.mjs";
import { Quotes } from "./quotes.mjs";
import { Transfers } from "./transfers.mjs";

const statuses = ["pending_receiver", "pending_external", "completed"];

export class Scenario {
  constructor(report, world, anchor, login) {
    Object.assign(this, { report, world, anchor, login });
  }

  async run() {
    await this.report.step("stellar.toml is understood by the wallet SDK", () => this.readToml());
    this.inbox = await Inbox.open(this.toml.signingKey);
    try {
      await this.getReady();
      await this.register();
      await this.askPrices();
      await this.transferPlainly();
      await this.transferByQuote();
      await this.transferAtTheRateOfThePayment();
      await this.transferWithPeopleNamedLater();
      await this.report.step("a customer is deleted", () => this.people.forget(this.account.publicKey(), "3", this.ids.later));
      await this.report.step("no log holds a secret, a person's data or a fault", async () => this.world.checkLogs(this.secrets()));
    } finally {
      this.inbox.close();
    }
  }

  async readToml() {
    this.toml = await this.anchor.sep1();
    const { webAuthEndpoint, kycServer, directPaymentServer, anchorQuoteServer } = this.toml;
    for (const endpoint of [webAuthEndpoint, kycServer, directPaymentServer, anchorQuoteServer]) {
      assert.ok(endpoint.startsWith(`${this.world.home}/`), endpoint);
    }
    Keypair.fromPublicKey(this.toml.signingKey);
    assert.ok(this.toml.currencies.some(({ code, issuer }) => code === "USDC" && issuer === this.world.issuer.publicKey()));
  }

  // getReady logs in, and makes the clients that need a login.
  async getReady() {
    const { report, world } = this;
    this.account = await report.step("an account is opened and filled by stellar-sdk", () => this.filledAccount());
    const auth = await this.login(this.account);
    assert.equal(auth.account, this.account.publicKey());
    this.token = auth.token;
    this.people = new People(await this.anchor.sep12(auth), this.toml.kycServer, this.token);
    this.quotes = new Quotes(this.anchor.sep38(auth), world.sep38);
    this.transfers = new Transfers(world, this.toml.directPaymentServer, this.token, this.account, this.inbox);
  }

  async filledAccount() {
    const { network, asset, issuer } = this.world;
    const account = await network.open();
    await network.fill(account, asset, issuer, "10000");
    return account;
  }

  async register() {
    const { report, people } = this;
    this.ids = {};
    this.ids.sender = await report.step("a sender is registered, the photo in the request", () => people.registerSender());
    this.ids.receiver = await report.step("a receiver is registered", () => people.registerReceiver());
    await report.step("a photo is uploaded and taken over by its file id", () => people.addPhotoByFile(this.ids.receiver));
    this.ids.later = await report.step("a customer's acceptance is told to a callback", () => people.completeLater(this.inbox));
  }

  async askPrices() {
    const { report, quotes } = this;
    await report.step("SEP-38 info names the assets", () => quotes.info());
    await report.step("SEP-38 prices", () => quotes.prices());
    await report.step("SEP-38 price, either amount given", () => quotes.price());
    this.quote = await report.step("a firm quote stays the same", () => quotes.firm("100"));
  }

  secrets() {
    return [this.token, ...Object.values(sender), ...Object.values(receiver)];
  }

  parties() {
    return { sender_id: this.ids.sender, receiver_id: this.ids.receiver };
  }

  async transferPlainly() {
    const { report, transfers } = this;
    await report.step("SEP-31 info names the asset", () => transfers.info());
    await report.step("a transfer without conversion is completed, each step told and signed", async () => {
      const agreed = await transfers.agree({ amount: 200, ...this.parties() });
      const { completed, statuses: told } = await transfers.pay(agreed, agreed.id, "200");
      assert.deepEqual(told, statuses);
      assert.equal(Number(completed.amount_out), 198.5);
      assert.equal(Number(completed.fee_details.total), 1.5);
    });
  }

  async transferByQuote() {
    const { report, transfers, quote, world } = this;
    const body = { amount: quote.sell_amount, quote_id: quote.id, destination_asset: world.sep38.buy, ...this.parties() };
    await report.step("a transfer at a firm quote, paid from another account, is completed with the quote's amounts", async () => {
      const agreed = await transfers.agree(body);
      const { completed } = await transfers.pay(agreed, agreed.id, quote.sell_amount, await this.filledAccount());
      assert.equal(completed.quote_id, quote.id);
      assert.equal(completed.amount_in_asset, world.sep38.sell);
      assert.equal(completed.amount_out, quote.buy_amount);
      assert.equal(completed.amount_out_asset, world.sep38.buy);
      assert.equal(completed.fee_details.total, quote.fee.total);
      assert.equal(completed.fee_details.asset, quote.fee.asset);
    });
    await report.step("a quote is good for one transaction", () => transfers.refused(body));
  }

  async transferAtTheRateOfThePayment() {
    const { report, transfers, world } = this;
    await report.step("a transfer into another asset without a quote is priced when it is paid", async () => {
      const agreed = await transfers.agree({ amount: "50", destination_asset: world.sep38.buy, ...this.parties() });
      assert.equal((await transfers.get(agreed.id)).amount_out, undefined);
      const { completed } = await transfers.pay(agreed, agreed.id, "50");
      assert.equal(completed.amount_out_asset, world.sep38.buy);
      assert.ok(Number(completed.amount_out) > 0);
    });
  }

  // SEP-31 3.0: the people are named after the transaction, whose memo is withheld until they are accepted.
  async transferWithPeopleNamedLater() {
    const { report, transfers, people } = this;
    const { id } = await report.step("a transaction is agreed without people, its memo withheld", async () => {
      const agreed = await transfers.agree({ amount: 60 });
      assert.equal(agreed.stellar_memo, undefined);
      await transfers.awaitStatus(agreed.id, "pending_receiver");
      return agreed;
    });
    await report.step("its people are registered by transaction_id", async () => {
      await people.registerFor(id, "sep31-sender", sender, { photo_id_front: photo });
      await people.registerFor(id, "sep31-receiver", receiver);
    });
    await report.step("it is then payable, and completed", async () => {
      const payable = await transfers.awaitStatus(id, "pending_sender");
      const { statuses: told } = await transfers.pay(payable, id, "60");
      assert.deepEqual(told, ["pending_sender", ...statuses]);
    });
  }
}

// logInForADomain logs a wallet in whose domain vouches for it. The account need not exist.
export async function logInForADomain(anchor) {
  const domain = await ClientDomain.open();
  try {
    const auth = await byWallet(anchor, Keypair.random(), { clientDomain: domain.name, walletSigner: domain.signer });
    assert.equal(auth.clientDomain, domain.name);
  } finally {
    domain.close();
  }
}
