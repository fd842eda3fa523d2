// SEP-38 by the wallet SDK.

import assert from "node:assert/strict";

export class Quotes {
  constructor(client, { sell, buy }) {
    this.client = client;
    this.sell = sell;
    this.buy = buy;
  }

  async info() {
    const { assets } = await this.client.info();
    const byName = Object.fromEntries(assets.map((asset) => [asset.asset, asset]));
    assert.deepEqual(byName[this.sell], { asset: this.sell }, "a Stellar asset has no delivery methods");
    assert.deepEqual(byName[this.buy].buy_delivery_methods.map(({ name }) => name), ["SEPA"]);
  }

  async prices() {
    const { buy_assets: offers } = await this.client.prices({ sellAsset: this.sell, sellAmount: "100" });
    const offer = offers.find(({ asset }) => asset === this.buy);
    assert.equal(offer.decimals, 2);
    assert.ok(Number(offer.price) > 0);
  }

  // price asks for both directions; each must answer with the amount that was asked for.
  async price() {
    const pair = { sellAsset: this.sell, buyAsset: this.buy, context: "sep31" };
    const sold = await this.client.price({ ...pair, sellAmount: "100" });
    assert.equal(Number(sold.sell_amount), 100);
    checkFormulas(sold, this.sell);
    const bought = await this.client.price({ ...pair, buyAmount: "500" });
    assert.equal(Number(bought.buy_amount), 500);
    checkFormulas(bought, this.sell);
  }

  // firm gets a firm quote, which must stay the same.
  async firm(amount) {
    const quote = await this.client.requestQuote({
      sell_asset: this.sell, buy_asset: this.buy, sell_amount: amount, buy_delivery_method: "SEPA", context: "sep31",
    });
    assert.equal(Number(quote.sell_amount), Number(amount));
    assert.equal(quote.buy_delivery_method, "SEPA");
    assert.ok(Date.parse(quote.expires_at) > Date.now());
    checkFormulas(quote, this.sell);
    assert.deepEqual(await this.client.getQuote(quote.id), quote);
    return quote;
  }
}

// checkFormulas is SEP-38's "Price Formulas" for a fee in the asset that is sold, to the cent.
function checkFormulas({ total_price: total, price, sell_amount: sold, buy_amount: bought, fee }, feeAsset) {
  assert.equal(fee.asset, feeAsset);
  assert.ok(Number(fee.total) > 0);
  near(Number(total) * Number(bought), Number(sold));
  near(Number(price) * Number(bought), Number(sold) - Number(fee.total));
  if (fee.details) near(fee.details.reduce((sum, { amount }) => sum + Number(amount), 0), Number(fee.total));
}

export function near(got, wanted) {
  assert.ok(Math.abs(got - wanted) < 0.005, `${got} is not ${wanted}`);
}
