// SEP-1 and SEP-10 by the clients that wallets use.

import assert from "node:assert/strict";
import { Keypair, TransactionBuilder, WebAuth } from "@stellar/stellar-sdk";
import walletSDK from "@stellar/typescript-wallet-sdk";
import { expect, serve } from "./http.mjs";
import { passphrase } from "./network.mjs";

const { DefaultAuthHeaderSigner, SigningKeypair, Types, Wallet } = walletSDK;

// theAnchor is the wallet SDK's view of an anchor. Its own Horizon client is never used: it knows no network on this machine.
export function theAnchor(domain) {
  return Wallet.TestNet().anchor({ homeDomain: domain, allowHttp: true });
}

// byWallet logs in as wallets do.
export async function byWallet(anchor, account, options = {}) {
  const auth = await anchor.sep10();
  return auth.authenticate({ accountKp: SigningKeypair.fromSecret(account.secret()), ...options });
}

// byWalletOfTwo logs in with the signatures of two keys.
export async function byWalletOfTwo(anchor, account, other) {
  const signWithClientAccount = ({ transaction }) => {
    transaction.sign(account, other);
    return transaction;
  };
  return byWallet(anchor, account, { walletSigner: { signWithClientAccount } });
}

// byWalletWithHeader logs in with the signed Authorization header of SEP-10 3.4, which an anchor need not ask for but must bear.
export async function byWalletWithHeader(anchor, account) {
  return byWallet(anchor, account, { authHeaderSigner: new DefaultAuthHeaderSigner() });
}

// bySDK logs in by the checks of stellar-sdk, which compare web_auth_domain as SEP-10 has it, port included.
export async function bySDK(anchor, domain, account) {
  const { webAuthEndpoint, signingKey } = await anchor.sep1();
  const challenge = await expect(200, "GET", `${webAuthEndpoint}?account=${account.publicKey()}&home_domain=${domain}`);
  const read = WebAuth.readChallengeTx(challenge.transaction, signingKey, passphrase, domain, new URL(webAuthEndpoint).host);
  assert.equal(read.clientAccountID, account.publicKey());
  const transaction = TransactionBuilder.fromXDR(challenge.transaction, passphrase);
  transaction.sign(account);
  const { token } = await expect(200, "POST", webAuthEndpoint, { json: { transaction: transaction.toXDR() } });
  return Types.AuthToken.from(token);
}

// ClientDomain is a wallet's own domain: a stellar.toml that names the key by which the wallet's server signs.
export class ClientDomain {
  static async open() {
    const domain = new ClientDomain();
    domain.key = Keypair.random();
    domain.server = await serve(({ url }) => domain.#answer(url));
    domain.name = domain.server.host;
    return domain;
  }

  #answer(url) {
    if (url !== "/.well-known/stellar.toml") return { status: 404 };
    return { status: 200, text: `SIGNING_KEY = "${this.key.publicKey()}"\n`, headers: { "content-type": "text/plain" } };
  }

  // signer signs with the client's key, as the wallet does, and with the domain's, as its server would.
  get signer() {
    return {
      signWithClientAccount: ({ transaction, accountKp }) => {
        transaction.sign(accountKp.keypair);
        return transaction;
      },
      signWithDomainAccount: async ({ transactionXDR, networkPassphrase }) => {
        const transaction = TransactionBuilder.fromXDR(transactionXDR, networkPassphrase);
        transaction.sign(this.key);
        return transaction;
      },
    };
  }

  close() {
    this.server.close();
  }
}
