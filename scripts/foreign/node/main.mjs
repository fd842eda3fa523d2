// Stellar's own JavaScript clients against a running anchor: node main.mjs PATH-OF-ANCHOR
//
// The wallet SDK and stellar-sdk do what they have clients for; what they have none for is sent by hand. The anchor is one whose
// settings decide, and one with a business' server: those in the folder that EXAMPLES names. Everything happens on this
// machine. The exit code is 0 if every step went well.

import assert from "node:assert/strict";
import dns from "node:dns";
import { BusinessScenario } from "./business.mjs";
import { BusinessServer, programs } from "./business_server.mjs";
import { routeDefaultPort } from "./http.mjs";
import { bySDK, byWallet, byWalletOfTwo, byWalletWithHeader, theAnchor } from "./login.mjs";
import { Keypair } from "./network.mjs";
import { Report, within } from "./report.mjs";
import { Scenario, logInForADomain } from "./scenario.mjs";
import { World } from "./world.mjs";

const allWithin = 270_000;

// Under an address with a port, clients disagree about web_auth_domain: SEP-10's host of the endpoint is with the port for
// stellar-sdk's own check and others, without for the wallet SDK, which therefore cannot log in.
async function withAPort(binary, report) {
  report.heading("an anchor at http://localhost:PORT");
  await inWorld(binary, {}, async (world) => {
    const anchor = theAnchor(world.domain);
    const login = async (account) => {
      await report.step("the wallet SDK wants web_auth_domain without the port, and says so", () =>
        assert.rejects(byWallet(anchor, account), /web_auth_domain/),
      );
      return report.step("logged in by stellar-sdk", () => bySDK(anchor, world.domain, account));
    };
    await new Scenario(report, world, anchor, login).run();
  });
}

// Under an address without a port, as in production, all agree.
async function withoutAPort(binary, report) {
  report.heading("an anchor at http://localhost");
  const options = { hostURL: "http://localhost", environment: { ANCHOR_MEMO_TYPE: "hash" } };
  await inWorld(binary, options, async (world) => {
    const restore = routeDefaultPort(world.port);
    try {
      const anchor = theAnchor(world.domain);
      const login = async (account) => {
        await otherLogins(report, world, anchor, account);
        return report.step("logged in by the wallet SDK", () => byWallet(anchor, account));
      };
      await new Scenario(report, world, anchor, login).run();
    } finally {
      restore();
    }
  });
}

// otherLogins are the ways to log in that a plain one leaves out.
async function otherLogins(report, world, anchor, account) {
  await report.step("a user of a shared account is logged in, by memo", async () => {
    assert.equal((await byWallet(anchor, account, { memoId: "17" })).memo, "17");
  });
  await report.step("a wallet that signs its request for a challenge as well is logged in", () => byWalletWithHeader(anchor, account));
  await report.step("an account that does not exist is logged in, the wallet's domain signing too", () => logInForADomain(anchor));
  await report.step("an account that needs two signatures is logged in by both and not by one", async () => {
    const [first, second] = [await world.network.open(), Keypair.random()];
    await world.network.protect(first, second);
    await assert.rejects(byWallet(anchor, first), /threshold|weight|signature/);
    await byWalletOfTwo(anchor, first, second);
  });
}

// withServer has a business decide and pay by a server of its own.
async function withServer(binary, report, name) {
  report.heading(`an anchor whose business is ${name}`);
  const account = Keypair.random();
  const business = (world) => BusinessServer.prepare(name, world, account.publicKey());
  await inWorld(binary, { business }, (world) => new BusinessScenario(report, world, theAnchor(world.domain), account).run());
}

// inWorld runs something in a world of its own and shows the logs if it fails.
async function inWorld(binary, options, action) {
  const world = await World.open(binary, options);
  let complaints;
  try {
    await action(world);
  } catch (error) {
    world.showLogs();
    throw error;
  } finally {
    complaints = await world.close();
  }
  assert.deepEqual(complaints, []);
}

async function all(binary, report) {
  await withAPort(binary, report);
  await withoutAPort(binary, report);
  for (const name of Object.keys(programs)) await withServer(binary, report, name);
}

async function main(binary) {
  assert.ok(binary, "usage: node main.mjs PATH-OF-ANCHOR");
  // The anchor listens on 127.0.0.1; localhost may be ::1 first.
  dns.setDefaultResultOrder("ipv4first");
  const report = new Report();
  try {
    await within(allWithin, all(binary, report));
  } catch (error) {
    report.fault(error);
  }
  console.log(report.summary());
  return report.failed === 0;
}

// Ends through the exit handlers, which take the processes along.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(1));

process.exit((await main(process.argv[2])) ? 0 : 1);
