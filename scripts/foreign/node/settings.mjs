// anchor.yaml of the anchor under test.

export const offChainAsset = "iso4217:BRL";

export const settings = ({ sell, buy }) => `customers:
  types:
    - name: sep31-sender
      side: sender
      accept: automatic
      fields:
        - {name: first_name, description: given name}
        - {name: last_name, description: family name}
        - {name: photo_id_front, type: binary, description: photo of the front of an identity document}
    - name: sep31-receiver
      side: receiver
      accept: automatic
      fields:
        - {name: first_name, description: given name}
        - {name: bank_account_number, description: number of the bank account}
        - {name: photo_id_front, type: binary, optional: true, description: photo of the front of an identity document}
rails:
  - {name: bank, kind: simulated, outcome: accepted, after: 300ms, file: bank.jsonl}
funding_methods:
  - {name: SEPA, rail: bank}
offchain_assets:
  - asset: ${buy}
    decimals: 2
    country_codes: [BR]
    buy_delivery_methods:
      - {name: SEPA, description: into the bank account}
exchange_pairs:
  - {sell: "${sell}", buy: "${buy}", rate: "5.4321", spread_percent: "0.5", fee_fixed: "0.5", fee_percent: "0.5", min: "1", max: "5000"}
`;

// leftToAServer leaves all that it can to the business' own server.
export const leftToAServer = `rails:
  - {name: bank, kind: remote, not_known_final_after: 10m, same_key_safe_for: 720h}
funding_methods:
  - {name: SEPA, rail: bank}
`;
