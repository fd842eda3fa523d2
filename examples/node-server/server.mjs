// A business' own server beside the anchor, with nothing but Node's standard library (18 or newer).
//
// It decides who may send, what people have to give, what an exchange costs, and it pays recipients. The contract is
// docs/remote-integration.md; read this file from top to bottom to see it at work:
//
//   1. settings         from the environment
//   2. signatures       who is asking, and proof of who answers
//   3. the ledger       a payout is kept before it is confirmed, and made once per key
//   4. decisions        one function for each path of the contract: this is what you replace
//   5. speaking first   late verdicts, and what the bank says by itself; docs/operations-api.md
//   6. the server       reads, verifies, decides, signs
//
//   ANCHOR_KEYS=k1:$(openssl rand -base64 32) SENDING_ANCHORS=G… node server.mjs

import { createHmac, timingSafeEqual } from "node:crypto";
import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";

// ---------------------------------------------------------------------------------------------------------------------
// 1. Settings

const settings = {
  host: process.env.HOST || "127.0.0.1", // put a proxy that ends TLS in front before you let other machines in
  port: Number(process.env.PORT || 8700),
  keys: readKeys(process.env.ANCHOR_KEYS || ""), // id:base64, several with commas while keys are changed
  ledger: process.env.LEDGER || "payouts.jsonl",
  sendingAnchors: list(process.env.SENDING_ANCHORS), // accounts, G…; * admits everybody: development only
  sellAsset: process.env.SELL_ASSET || "", // stellar:CODE:ISSUER; empty: nothing is exchanged
  fundingMethod: process.env.FUNDING_METHOD || "SEPA",
  deliversAfter: Number(process.env.DELIVERS_AFTER_MS || 0), // how long the bank takes
  closedAccounts: list(process.env.CLOSED_ACCOUNTS), // bank account numbers that cannot be paid to
  operations: process.env.OPERATIONS_URL || "", // the anchor's operator address, http://127.0.0.1:9000; empty: never speaks first
  operationsKey: process.env.OPERATIONS_KEY || "", // of 'anchor keys create --scope customers:write,payouts:report'
  bankSecret: process.env.BANK_SECRET || "", // by which the bank signs its news; empty: it has none
  screeningTakes: Number(process.env.SCREENING_TAKES_MS || 0), // 0: people are accepted at once
};

if (Boolean(settings.operations) !== Boolean(settings.operationsKey)) throw new Error("OPERATIONS_URL and OPERATIONS_KEY go together");
if (!settings.operations && (settings.bankSecret || settings.screeningTakes)) throw new Error("BANK_SECRET and SCREENING_TAKES_MS need OPERATIONS_URL");

function list(text) {
  return (text || "").split(",").map((item) => item.trim()).filter(Boolean);
}

function readKeys(text) {
  const keys = new Map();
  for (const item of list(text)) {
    const colon = item.indexOf(":");
    const secret = Buffer.from(item.slice(colon + 1), "base64");
    if (colon < 1 || secret.length < 32) throw new Error("ANCHOR_KEYS must be id:base64 of at least 32 bytes, several with commas");
    keys.set(item.slice(0, colon), secret);
  }
  if (keys.size === 0) throw new Error("ANCHOR_KEYS is missing: the anchor's requests are signed by one of these keys");
  return keys;
}

// ---------------------------------------------------------------------------------------------------------------------
// 2. Signatures: HMAC-SHA256 of lines, each ended by a line feed, and of the body after them.

const tolerance = 300; // seconds that the two clocks and the way here may differ by
const nonces = new Map(); // nonce -> second until which it would be accepted again

function mac(secret, lines, body) {
  return createHmac("sha256", secret).update(lines.map((line) => line + "\n").join("")).update(body).digest();
}

// verify returns why a request is not believed, or nothing.
function verify(request, body) {
  const secret = settings.keys.get(request.headers["anchor-key"]);
  const stamp = request.headers["anchor-timestamp"] || "";
  const nonce = request.headers["anchor-nonce"] || "";
  if (!secret) return "the key is not known";
  if (!/^[0-9]{1,12}$/.test(stamp) || !/^[0-9a-f]{32}$/.test(nonce)) return "timestamp or nonce is missing";
  const given = Buffer.from(request.headers["anchor-signature"] || "", "hex");
  const right = mac(secret, ["anchor-request-v1", stamp, nonce, request.method, request.url], body);
  if (given.length !== right.length || !timingSafeEqual(given, right)) return "the signature is wrong";
  const now = Math.floor(Date.now() / 1000);
  if (Math.abs(now - Number(stamp)) > tolerance) return "the timestamp is too far from this server's clock";
  for (const [old, until] of nonces) { // the oldest come first
    if (until >= now) break;
    nonces.delete(old);
  }
  if (nonces.has(nonce)) return "the request came before";
  nonces.set(nonce, now + 2 * tolerance); // longer than its timestamp is good for
  return "";
}

// sign proves that an answer is ours and belongs to the request with this nonce. It is signed by the key of the request.
function sign(request, status, body) {
  const id = request.headers["anchor-key"];
  const lines = ["anchor-answer-v1", request.headers["anchor-nonce"], String(status)];
  return { "Anchor-Key": id, "Anchor-Signature": mac(settings.keys.get(id), lines, body).toString("hex") };
}

// ---------------------------------------------------------------------------------------------------------------------
// 3. The ledger: a file of one JSON object per line, appended to and flushed to the disk before anything is confirmed. A
// process that is killed leaves at most one unfinished line, of a payout that nobody was told about: it is cut off at the
// next start. One process uses a file.

class Ledger {
  #entries = new Map(); // key -> promise of its entry
  #keys = new Map(); // the bank's reference -> key
  #waiting = []; // entries that are not on the disk yet
  #writing = false;

  constructor(file) {
    this.file = openSync(file, "a+", 0o600);
    const text = readFileSync(file);
    this.size = text.lastIndexOf("\n") + 1;
    if (this.size < text.length) ftruncateSync(this.file, this.size);
    for (const line of text.subarray(0, this.size).toString("utf8").split("\n").filter(Boolean)) {
      const entry = JSON.parse(line);
      this.#entries.set(entry.key, Promise.resolve(entry)); // the last line of a key counts
      if (entry.external_id) this.#keys.set(entry.external_id, entry.key);
    }
    fsyncSync(this.file);
    const folder = openSync(path.dirname(path.resolve(file)), "r"); // so that the file itself is there after a power cut
    fsyncSync(folder);
    closeSync(folder);
  }

  // find returns the entry of a key, once it is on the disk, or undefined.
  find(key) {
    return this.#entries.get(key);
  }

  // findReference is find by the bank's reference.
  findReference(reference) {
    return this.find(this.#keys.get(reference));
  }

  // replace puts another entry for a key behind the one that is there.
  async replace(entry) {
    const written = await this.#append(entry);
    this.#entries.set(entry.key, Promise.resolve(written));
  }

  // once returns the entry of a key. If there is none yet, decide makes it: exactly once, however many ask at the same time.
  once(key, decide) {
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = this.#append(decide());
      this.#entries.set(key, entry);
      entry.catch(() => this.#entries.delete(key)); // it is not in the file: nothing was decided
    }
    return entry;
  }

  #append(entry) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject });
      if (this.#writing) return;
      this.#writing = true;
      setImmediate(() => this.#write());
    });
  }

  // write puts everything that waits on the disk at once: flushing is what takes time.
  #write() {
    const group = this.#waiting;
    this.#waiting = [];
    this.#writing = false;
    const bytes = Buffer.from(group.map(({ entry }) => JSON.stringify(entry) + "\n").join(""));
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.file, bytes, at);
    } catch (error) { // a full disk, most likely: take back what was begun
      ftruncateSync(this.file, this.size);
      group.forEach(({ reject }) => reject(error));
      return;
    }
    fsyncSync(this.file); // if this fails nobody knows what is on the disk: the process ends, and reads it anew
    this.size += bytes.length;
    group.forEach(({ entry, resolve }) => {
      if (entry.external_id) this.#keys.set(entry.external_id, entry.key);
      resolve(entry);
    });
  }
}

const ledger = new Ledger(settings.ledger);

// ---------------------------------------------------------------------------------------------------------------------
// 4. Decisions. Each gets the body of a request and returns that of the answer, or throws a Refusal for the sending anchor.
// Any other error becomes status 500: the anchor tells nobody anything, and asks again.

class Refusal extends Error {
  constructor(code, text, more = {}) {
    super(text);
    this.body = { code, text, ...more };
  }
}

const types = {
  "sep31-sender": {
    side: "sender",
    description: "the person who sends the money",
    fields: {
      first_name: { type: "string", description: "given name" },
      last_name: { type: "string", description: "family name" },
    },
  },
  "sep31-receiver": {
    side: "receiver",
    description: "the person who is paid",
    fields: {
      first_name: { type: "string", description: "given name" },
      bank_account_number: { type: "string", description: "number of the bank account" },
    },
  },
};

function typeOf(name) {
  if (!Object.hasOwn(types, name)) throw new Refusal("invalid", `'type' must be one of ${Object.keys(types).join(", ")}`);
  return types[name];
}

function typesOf(side) {
  const some = Object.entries(types).filter(([, type]) => type.side === side);
  return Object.fromEntries(some.map(([name, type]) => [name, { description: type.description }]));
}

// Amounts are decimal texts. They are never put into a float: here they are whole numbers of the smallest unit.
function units(text, decimals) {
  if (!/^(0|[1-9][0-9]*)(\.[0-9]+)?$/.test(text)) throw new Error("an amount is not a decimal number");
  const [whole, fraction = ""] = text.split(".");
  if (fraction.length > decimals && /[1-9]/.test(fraction.slice(decimals))) throw new Error("an amount has too many decimals");
  return BigInt(whole + fraction.slice(0, decimals).padEnd(decimals, "0"));
}

function amount(value, decimals) {
  const digits = value.toString().padStart(decimals + 1, "0");
  return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

function roundedUp(dividend, divisor) {
  return (dividend + divisor - 1n) / divisor;
}

// The fee of a transaction that is paid out in the asset that came in: 1 %. What is paid out is rounded down for the
// recipient, and what that leaves over is fee.
function fee({ asset, amount: received }) {
  const all = units(received, 7);
  const step = 10n ** BigInt(7 - asset.decimals);
  return { total: amount(roundedUp(all, 100n * step) * step, 7) };
}

// The price of an exchange: 5.40 for one, after a fee of 0.50. What the anchor fixes stays as it is; what follows from it is
// rounded for the house.
const rate = { of: 540n, per: 100n };
const off = "iso4217:BRL";

function price(q) {
  if (!settings.sellAsset || q.sell !== settings.sellAsset || q.buy !== off) {
    throw new Refusal("invalid", `${q.sell} cannot be exchanged for ${q.buy} here`);
  }
  const kept = units("0.50", q.sell_decimals);
  const one = { sell: 10n ** BigInt(q.sell_decimals), buy: 10n ** BigInt(q.buy_decimals) };
  let sell, buy;
  if (q.sell_amount !== undefined) {
    sell = units(q.sell_amount, q.sell_decimals);
    if (sell <= kept) throw new Refusal("invalid", "the amount does not cover the fee of 0.50");
    buy = ((sell - kept) * rate.of * one.buy) / (rate.per * one.sell);
  } else {
    buy = units(q.buy_amount, q.buy_decimals);
    sell = kept + roundedUp(buy * rate.per * one.sell, rate.of * one.buy);
  }
  if (buy === 0n) throw new Refusal("invalid", "the amount is too small");
  return {
    sell_amount: amount(sell, q.sell_decimals),
    buy_amount: amount(buy, q.buy_decimals),
    fee: { total: amount(kept, q.sell_decimals) },
  };
}

// A firm price is kept for 15 minutes. You are bound by it once this has returned; a quote that is asked for twice has the
// same id.
function quote(q) {
  const expires = Math.ceil(Date.now() / 1000) + 15 * 60;
  if (q.expire_after && Date.parse(q.expire_after) > expires * 1000) {
    throw new Refusal("invalid", "expire_after: a quote is good for 15 minutes at most");
  }
  return { ...price(q), expires_at: new Date(expires * 1000).toISOString().replace(".000Z", "Z") };
}

// A customer is complete here: the anchor asks only once everything that is demanded was given. Your screening goes here. Where
// it takes longer than an answer may, the answer is PROCESSING, and the verdict follows.
function verdict({ customer, type }) {
  const names = Object.keys(typeOf(type).fields).filter((name) => customer.values?.[name]);
  const all = (status) => ({
    type,
    version: customer.version, // of the values that were looked at: a verdict about others is refused
    status,
    fields: Object.fromEntries(names.map((name) => [name, { status }])),
  });
  if (settings.screeningTakes === 0) return all("ACCEPTED");
  setTimeout(() => announce(customer.id, all("ACCEPTED")), settings.screeningTakes);
  return all("PROCESSING");
}

function checkTransaction(transaction) {
  if (units(transaction.amount, 7) > units("100000", 7)) throw new Refusal("invalid", "at most 100000 are accepted");
  return { accepted: true };
}

// pay makes a payout once per key, and answers a key that comes again as it did before. The header and the body must name
// the same key, and a key belongs to one payout for good.
async function pay(payout, request) {
  if (!payout.key || request.headers["idempotency-key"] !== payout.key) throw new Error("Idempotency-Key is not the key of the payout");
  const entry = await ledger.once(payout.key, () => decide(payout));
  if (entry.transaction_id !== payout.transaction_id || entry.amount !== payout.amount || entry.asset !== payout.asset) {
    throw new Error("the key came before with another payout");
  }
  return outcome(entry);
}

// decide is what the bank does with a payout that it has not seen before. What is refused is kept as well: this key is never
// paid later. Personal data are not kept: the ledger needs none.
function decide({ key, transaction_id, amount, asset, receiver }) {
  const entry = { key, transaction_id, amount, asset, at: new Date().toISOString() };
  if (settings.closedAccounts.includes(receiver?.values?.bank_account_number)) return { ...entry, closed: true };
  return { ...entry, external_id: "NODE-" + key.slice(0, 8).toUpperCase() };
}

// outcome is what the anchor is told of a line of the ledger. amount and asset are repeated: they are compared.
function outcome(entry) {
  const { key, amount, asset, external_id } = entry;
  if (entry.closed) {
    const needs = [{ of: "receiver", field: "bank_account_number", problem: "the account is closed" }];
    return { key, outcome: "needs_info", needs };
  }
  if (entry.returned) return { key, outcome: "returned", why: entry.returned };
  const delivered = Date.now() >= Date.parse(entry.at) + settings.deliversAfter;
  return { key, outcome: delivered ? "delivered" : "accepted", amount, asset, external_id };
}

// poll says what became of payouts. not_known is said of keys that are not in the ledger. Whether such a key can still come
// is for the anchor's settings: not_known_final_after must be longer than requests are accepted after they were signed.
async function poll({ payouts }) {
  const answers = payouts.map(async ({ key }) => {
    const entry = await ledger.find(key);
    return entry ? outcome(entry) : { key, outcome: "not_known" };
  });
  return { payouts: await Promise.all(answers) };
}

const decisions = {
  "/v1/info": () => ({ sender_types: typesOf("sender"), receiver_types: typesOf("receiver"), fields: {} }),
  "/v1/sending-anchor": ({ from }) => ({
    valid: settings.sendingAnchors.includes("*") || settings.sendingAnchors.includes(from?.account),
  }),
  "/v1/transactions/check": checkTransaction,
  "/v1/transactions/check-update": () => ({ accepted: true }),
  "/v1/customers/requirements": ({ type = "sep31-sender" }) => ({ type, fields: typeOf(type).fields }),
  "/v1/customers/verdict": verdict,
  "/v1/customers/deleted": () => ({ deleted: true }), // erase what you keep of the customer
  "/v1/quotes/offers": () => ({
    off_chain: [{ asset: off, decimals: 2, country_codes: ["BR"], buy_delivery_methods: [{ name: settings.fundingMethod, description: "into the bank account" }] }],
    pairs: settings.sellAsset ? [{ sell: settings.sellAsset, buy: off }] : [],
  }),
  "/v1/quotes/price": price,
  "/v1/quotes/quote": quote,
  "/v1/fee": fee,
};

// The name of the rail is one of the anchor's settings; this bank is the same by any name.
function decisionOf(path) {
  if (/^\/v1\/rails\/[A-Za-z0-9._-]+\/execute$/.test(path)) return pay;
  if (/^\/v1\/rails\/[A-Za-z0-9._-]+\/poll$/.test(path)) return poll;
  return Object.hasOwn(decisions, path) ? decisions[path] : undefined;
}

// ---------------------------------------------------------------------------------------------------------------------
// 5. Speaking first: the anchor's operations API. A request has a name of ours, its Idempotency-Key, so that it may be repeated
// at any time, and be late.

// tell returns the status of the answer; 0 if there was none.
async function tell(path, name, body) {
  try {
    const response = await fetch(`${settings.operations}/operations${path}`, {
      method: "POST",
      redirect: "error",
      signal: AbortSignal.timeout(5000),
      headers: { Authorization: `Bearer ${settings.operationsKey}`, "Content-Type": "application/json", "Idempotency-Key": name },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (response.status !== 200) console.error(`the anchor does not take ${name}: ${response.status} ${text}`);
    return response.status;
  } catch (error) {
    console.error(`the anchor does not hear ${name}: ${error.message}`);
    return 0;
  }
}

// announce tells a late verdict until the anchor has taken it, or says that it is about values which are not there any more: then
// it has asked again, about the new ones. What a process that is killed had still to tell is lost: keep it in your database.
async function announce(customer, decided, wait = 1000) {
  const name = `screening-${customer}-${decided.type}-${decided.version}`;
  const status = await tell(`/customers/${encodeURIComponent(customer)}/status`, name, decided);
  if (status === 0 || status === 429 || status >= 500) setTimeout(() => announce(customer, decided, Math.min(2 * wait, 60_000)), wait);
}

// bankWebhook takes what the bank says by itself: {"id", "reference", "state", "reason"}, signed by the secret it shares with us. It
// returns the status of the answer. Anything but 200 has the bank come again, so 200 is said once the anchor has taken the news.
async function bankWebhook(request, body) {
  const given = Buffer.from(request.headers["bank-signature"] || "", "hex");
  const right = createHmac("sha256", settings.bankSecret).update(body).digest();
  if (given.length !== right.length || !timingSafeEqual(given, right)) return 401;
  let news;
  try {
    news = JSON.parse(body);
  } catch {
    return 400;
  }
  if (typeof news?.id !== "string" || typeof news.reference !== "string") return 400;
  if (news.state !== "returned") return 200; // nothing that the anchor does not hear of when it asks
  const entry = await ledger.findReference(news.reference);
  if (!entry) return 404;
  const why = typeof news.reason === "string" && news.reason ? news.reason : "the bank sent it back";
  if (!entry.returned) await ledger.replace({ ...entry, returned: why });
  const { key, amount, asset, external_id } = entry;
  const status = await tell(`/payouts/${key}/outcome`, `bank-${news.id}`, { outcome: "returned", why, amount, asset, external_id });
  return status === 200 ? 200 : 503;
}

// ---------------------------------------------------------------------------------------------------------------------
// 6. The server

const mostBody = 1 << 20;

async function read(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > mostBody) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function answer(request, response) {
  const body = await read(request);
  if (body === null) return send(response, 413, { error: "the body is too large" }, {}).destroy();
  if (request.url === "/bank-webhook" && request.method === "POST" && settings.bankSecret) {
    return send(response, await bankWebhook(request, body), {}, {});
  }
  const fault = verify(request, body);
  if (fault) {
    console.error(`refused: ${fault}`);
    return send(response, 401, { error: "the request is not believed" }, {}); // not signed: this is nobody we know
  }
  const [status, result] = await decided(request, body);
  const bytes = Buffer.from(JSON.stringify(result));
  return send(response, status, bytes, sign(request, status, bytes));
}

async function decided(request, body) {
  const decision = request.method === "POST" ? decisionOf(request.url) : undefined;
  if (!decision) return [404, { error: "there is no such path" }];
  try {
    return [200, await decision(JSON.parse(body), request)];
  } catch (error) {
    if (error instanceof Refusal) return [422, error.body];
    console.error(`${request.url}: ${error.message}`); // names of fields and paths; never values, which may be personal
    return [500, { error: "internal error" }];
  }
}

function send(response, status, body, headers) {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": bytes.length, ...headers });
  return response.end(bytes);
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error.message);
    response.destroy();
  });
});
server.keepAliveTimeout = 30_000; // longer than the anchor keeps an idle connection
server.listen(settings.port, settings.host, () => console.log(`listening on http://${settings.host}:${server.address().port}`));

// Answer what is under way, then end: everything that was confirmed is on the disk.
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections?.();
  });
}
