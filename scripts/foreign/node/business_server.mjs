// The server of a business, one of those in examples/, as a process that can be halted, killed and started again.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { canConnect, freePort } from "./http.mjs";
import { until } from "./report.mjs";

const examples = process.env.EXAMPLES; // their folder

// programs are the servers, by their names.
export const programs = {
  "examples/node-server": ["node", "node-server/server.mjs"],
  "examples/python-server": ["python3", "python-server/server.py"],
};

export class BusinessServer {
  // prepare makes one that exchanges what the anchor of a world receives and admits one account. It does not run yet.
  static async prepare(name, { dir, sep38 }, account) {
    const server = new BusinessServer();
    server.name = name;
    server.dir = dir;
    server.port = await freePort();
    server.keys = `first:${randomBytes(32).toString("base64")}`;
    server.ledger = path.join(dir, "payouts.jsonl");
    server.complaints = "";
    server.environment = {
      PATH: process.env.PATH, HOME: process.env.HOME, PORT: String(server.port), ANCHOR_KEYS: server.keys, LEDGER: server.ledger,
      SENDING_ANCHORS: account, SELL_ASSET: sep38.sell, DELIVERS_AFTER_MS: "500",
    };
    process.on("exit", () => server.child?.kill("SIGKILL"));
    return server;
  }

  // forAnchor are the variables by which an anchor asks this server about everything.
  forAnchor() {
    return {
      ANCHOR_REMOTE_URL: `http://127.0.0.1:${this.port}`,
      ANCHOR_REMOTE_KEYS: this.keys,
      ANCHOR_REMOTE_PARTS: "receiver,customers,quotes,fee",
      ANCHOR_REMOTE_TIMEOUT: "1s",
      ANCHOR_REMOTE_RAIL_TIMEOUT: "1s",
    };
  }

  async start() {
    const [command, file] = programs[this.name];
    assert.ok(examples, "EXAMPLES must name the folder of the examples");
    this.child = spawn(command, [path.join(examples, file)], { cwd: this.dir, env: this.environment, stdio: ["ignore", "ignore", "pipe"] });
    this.child.stderr.on("data", (text) => (this.complaints += text));
    this.ended = new Promise((resolve) => this.child.once("close", (code, signal) => resolve(code ?? signal)));
    await until(`${this.name} listens`, () => canConnect(this.port));
  }

  // halt has it read nothing more; the system goes on to take connections for it.
  halt() {
    this.child.kill("SIGSTOP");
  }

  kill() {
    this.child.kill("SIGKILL");
    return this.ended;
  }

  // stop ends it and returns what there is to complain of.
  async stop() {
    if (!this.child) return [];
    this.child.kill("SIGTERM");
    this.child.kill("SIGCONT"); // it may be halted
    const end = await this.ended;
    return end === 0 ? [] : [`${this.name} ended with ${end}`];
  }

  // payouts are the lines of its ledger.
  payouts() {
    if (!existsSync(this.ledger)) return [];
    return readFileSync(this.ledger, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }

  // paid tells how often a transaction was paid.
  paid(transaction) {
    return this.payouts().filter((payout) => payout.transaction_id === transaction).length;
  }
}
