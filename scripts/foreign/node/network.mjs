// The sending anchor's side of the Stellar network, by stellar-sdk.

import { Asset, Horizon, Keypair, Memo, Networks, Operation, TransactionBuilder } from "@stellar/stellar-sdk";
import { expect } from "./http.mjs";

export const passphrase = Networks.TESTNET;

export class Network {
  constructor(url) {
    this.url = url;
    this.horizon = new Horizon.Server(url, { allowHttp: true });
  }

  // open makes an account that exists.
  async open(account = Keypair.random()) {
    await expect(200, "GET", `${this.url}/friendbot?addr=${account.publicKey()}`);
    return account;
  }

  // fill gives an account some of an asset of an issuer.
  async fill(account, asset, issuer, amount) {
    await this.#submit(account, [issuer], Memo.none(), [
      Operation.changeTrust({ asset }),
      Operation.payment({ source: issuer.publicKey(), destination: account.publicKey(), asset, amount }),
    ]);
  }

  // protect makes an account need the signature of another key as well.
  async protect(account, signer) {
    const ed25519PublicKey = signer.publicKey();
    await this.#submit(account, [], Memo.none(), [
      Operation.setOptions({ signer: { ed25519PublicKey, weight: 1 }, lowThreshold: 2, medThreshold: 2, highThreshold: 2 }),
    ]);
  }

  // pay pays what a receiving anchor asked for and returns the hash.
  async pay(account, asset, amount, { stellar_account_id: destination, stellar_memo_type: type, stellar_memo: memo }) {
    return this.#submit(account, [], memoOf(type, memo), [Operation.payment({ destination, asset, amount })]);
  }

  async #submit(account, others, memo, operations) {
    const source = await this.horizon.loadAccount(account.publicKey());
    const fee = String(await this.horizon.fetchBaseFee());
    const builder = new TransactionBuilder(source, { fee, networkPassphrase: passphrase, memo }).setTimeout(60);
    operations.forEach((operation) => builder.addOperation(operation));
    const transaction = builder.build();
    transaction.sign(account, ...others);
    const { hash } = await this.horizon.submitTransaction(transaction);
    return hash;
  }
}

// memoOf makes the memo of SEP-31's three kinds; a hash comes in base64.
function memoOf(type, memo) {
  if (type === "hash") return Memo.hash(Buffer.from(memo, "base64"));
  return type === "id" ? Memo.id(memo) : Memo.text(memo);
}

export { Asset, Keypair };
