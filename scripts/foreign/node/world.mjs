// An anchor with its network on this machine: the built program, one process per role, over SQLite in a folder of its own.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { freePort, request } from "./http.mjs";
import { Asset, Keypair, Network, passphrase } from "./network.mjs";
import { Programs } from "./programs.mjs";
import { until } from "./report.mjs";
import { leftToAServer, offChainAsset, settings } from "./settings.mjs";

const roles = ["serve", "watch-transactions", "execute-outgoing", "poll-outgoing"];
const looping = ["execute-outgoing", "poll-outgoing"];

export class World {
  #logs = []; // names of the processes

  // open starts everything and returns when each process lives. hostURL is what clients shall know; by default the
  // address at which the server listens. environment is added to that of all processes. business, if any, makes the
  // BusinessServer that decides and pays.
  static async open(binary, { hostURL, environment = {}, business } = {}) {
    const world = new World();
    world.dir = mkdtempSync(path.join(os.tmpdir(), "anchor-foreign-"));
    world.port = await freePort();
    world.home = hostURL ?? `http://localhost:${world.port}`;
    world.issuer = Keypair.random();
    world.asset = new Asset("USDC", world.issuer.publicKey());
    world.sep38 = { sell: `stellar:USDC:${world.issuer.publicKey()}`, buy: offChainAsset };
    world.business = await business?.(world);
    try {
      await world.business?.start();
      await world.#start(binary, { ...environment, ...world.business?.forAnchor() });
    } catch (error) {
      world.showLogs();
      await world.close();
      throw error;
    }
    return world;
  }

  async #start(binary, environment) {
    const horizon = `127.0.0.1:${await freePort()}`;
    this.network = new Network(`http://${horizon}`);
    this.programs = new Programs(binary, this.dir, { ...this.#environment(), ...environment });
    writeFileSync(path.join(this.dir, "anchor.yaml"), this.business ? leftToAServer : settings(this.sep38));
    await this.#launch("sandbox", ["--listen", horizon, "--close-every", "300ms"], this.network.url);
    await this.programs.run(["migrate"]);
    await this.programs.run(
      ["create-asset", "USDC", "--issue", "--funding-method", "SEPA", "--fee-fixed", "0.5", "--fee-percent", "0.5"],
      { ANCHOR_ISSUER_SEED: this.issuer.secret() },
    );
    for (const role of roles) await this.#startRole(role);
  }

  #environment() {
    return {
      PATH: process.env.PATH,
      HOME: this.dir,
      LOCAL_MODE: "1",
      ACTIVE_SEPS: "sep-1,sep-10,sep-12,sep-31,sep-38",
      HOST_URL: this.home,
      ANCHOR_LISTEN: `127.0.0.1:${this.port}`,
      HORIZON_URI: this.network.url,
      STELLAR_NETWORK_PASSPHRASE: passphrase,
      DATABASE_URL: `sqlite:${path.join(this.dir, "anchor.db")}`,
      SIGNING_SEED: Keypair.random().secret(),
      SERVER_JWT_KEY: randomBytes(32).toString("base64"),
      ANCHOR_MASTER_KEYS: `first:${randomBytes(32).toString("base64")}`,
    };
  }

  // #launch starts a process and waits until an address answers.
  async #launch(name, args, url) {
    this.#logs.push(name);
    const goesOn = this.programs.start(name, [name, ...args]);
    await until(`${name} answers`, () => {
      goesOn();
      return isOK(url);
    });
  }

  async #startRole(role) {
    const operator = `127.0.0.1:${await freePort()}`;
    const args = ["--operator-listen", operator, ...(looping.includes(role) ? ["--loop"] : [])];
    // Not /readyz: a watcher says that it is ready when it has once seen an account through, which a new one on a quiet
    // network waits for.
    const url = role === "serve" ? `http://127.0.0.1:${this.port}/.well-known/stellar.toml` : `http://${operator}/healthz`;
    await this.#launch(role, args, url);
  }

  // domain is what clients call the anchor: the host of its address, with the port where there is one.
  get domain() {
    return new URL(this.home).host;
  }

  showLogs() {
    for (const name of this.#logs) console.log(`--- ${name}\n${this.programs.log(name).split("\n").slice(-40).join("\n")}`);
  }

  // checkLogs finds what no log may hold: secrets, what is known of people, and faults, unless there had to be some.
  checkLogs(secrets, { faults = false } = {}) {
    for (const name of this.#logs) {
      const log = this.programs.log(name);
      for (const secret of secrets) assert.ok(!log.includes(secret), `the log of ${name} tells a secret`);
      assert.doesNotMatch(log, /\bS[A-Z2-7]{55}\b|eyJ[\w-]+\.|panic/, `the log of ${name}`);
      if (!faults) assert.doesNotMatch(log, /level=ERROR/, `the log of ${name}`);
    }
  }

  // close ends all processes and returns what there is to complain of.
  async close() {
    const complaints = [...((await this.programs?.stop()) ?? []), ...((await this.business?.stop()) ?? [])];
    rmSync(this.dir, { recursive: true, force: true });
    return complaints;
  }
}

async function isOK(url) {
  return request("GET", url).then(
    (answer) => answer.status === 200,
    () => false,
  );
}
