// Package assets registers the Stellar assets that the anchor receives, and the accounts that it receives them on.
//
// It promises that what is stored was checked against the network: issuer and receiving account exist, the account holds an
// authorized trust line, the seed can sign for it; that registering the same values again changes nothing; and that other
// values change something only when that was asked for. It must never change the code, the issuer or the decimals of an asset,
// never issue anything on the public network, and never show a seed. The commands create-asset and assets call it; they are the
// only writers of assets.
package assets
