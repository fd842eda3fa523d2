"""A business' own server beside the anchor, with nothing but Python's standard library (3.9 or newer).

It decides who may send, what people have to give, what an exchange costs, and it pays recipients. The contract is
docs/remote-integration.md; read this file from top to bottom to see it at work:

  1. settings         from the environment
  2. signatures       who is asking, and proof of who answers
  3. the ledger       a payout is kept before it is confirmed, and made once per key
  4. decisions        one function for each path of the contract: this is what you replace
  5. speaking first   late verdicts, and what the bank says by itself; docs/operations-api.md
  6. the server       reads, verifies, decides, signs

    ANCHOR_KEYS=k1:$(openssl rand -base64 32) SENDING_ANCHORS=G… python3 server.py
"""

import base64
import hashlib
import hmac
import http.server
import json
import math
import os
import re
import signal
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timezone

# ----------------------------------------------------------------------------------------------------------------------
# 1. Settings


def items(text):
    return [item.strip() for item in (text or "").split(",") if item.strip()]


def read_keys(text):
    keys = {}
    for item in items(text):
        name, _, secret = item.partition(":")
        secret = base64.b64decode(secret, validate=True)
        if not name or len(secret) < 32:
            raise ValueError("ANCHOR_KEYS must be id:base64 of at least 32 bytes, several with commas")
        keys[name] = secret
    if not keys:
        raise ValueError("ANCHOR_KEYS is missing: the anchor's requests are signed by one of these keys")
    return keys


HOST = os.environ.get("HOST", "127.0.0.1")  # put a proxy that ends TLS in front before you let other machines in
PORT = int(os.environ.get("PORT", "8700"))
KEYS = read_keys(os.environ.get("ANCHOR_KEYS"))  # id:base64, several with commas while keys are changed
LEDGER = os.environ.get("LEDGER", "payouts.jsonl")
SENDING_ANCHORS = items(os.environ.get("SENDING_ANCHORS"))  # accounts, G…; * admits everybody: development only
SELL_ASSET = os.environ.get("SELL_ASSET", "")  # stellar:CODE:ISSUER; empty: nothing is exchanged
FUNDING_METHOD = os.environ.get("FUNDING_METHOD", "SEPA")
DELIVERS_AFTER = int(os.environ.get("DELIVERS_AFTER_MS", "0")) / 1000  # how long the bank takes, in seconds
CLOSED_ACCOUNTS = items(os.environ.get("CLOSED_ACCOUNTS"))  # bank account numbers that cannot be paid to
OPERATIONS_URL = os.environ.get("OPERATIONS_URL", "")  # the anchor's operator address; empty: this server never speaks first
OPERATIONS_KEY = os.environ.get("OPERATIONS_KEY", "")  # of 'anchor keys create --scope customers:write,payouts:report'
BANK_SECRET = os.environ.get("BANK_SECRET", "").encode()  # by which the bank signs its news; empty: it has none
SCREENING_TAKES = int(os.environ.get("SCREENING_TAKES_MS", "0")) / 1000  # in seconds; 0: people are accepted at once

if bool(OPERATIONS_URL) != bool(OPERATIONS_KEY):
    raise ValueError("OPERATIONS_URL and OPERATIONS_KEY go together")
if not OPERATIONS_URL and (BANK_SECRET or SCREENING_TAKES):
    raise ValueError("BANK_SECRET and SCREENING_TAKES_MS need OPERATIONS_URL")

# ----------------------------------------------------------------------------------------------------------------------
# 2. Signatures: HMAC-SHA256 of lines, each ended by a line feed, and of the body after them.

TOLERANCE = 300  # seconds that the two clocks and the way here may differ by


def mac(secret, lines, body):
    return hmac.new(secret, "".join(line + "\n" for line in lines).encode() + body, hashlib.sha256).hexdigest()


class Nonces:
    """Remembers requests for longer than their timestamps are good for."""

    def __init__(self):
        self.lock = threading.Lock()
        self.until = {}  # the oldest come first

    def first_time(self, nonce, now):
        with self.lock:
            while self.until:
                oldest = next(iter(self.until))
                if self.until[oldest] >= now:
                    break
                del self.until[oldest]
            if nonce in self.until:
                return False
            self.until[nonce] = now + 2 * TOLERANCE
            return True


nonces = Nonces()


def verify(method, path, headers, body):
    """Returns why a request is not believed, or nothing."""
    secret = KEYS.get(headers.get("Anchor-Key", ""))
    stamp, nonce = headers.get("Anchor-Timestamp", ""), headers.get("Anchor-Nonce", "")
    if secret is None:
        return "the key is not known"
    if not re.fullmatch(r"[0-9]{1,12}", stamp) or not re.fullmatch(r"[0-9a-f]{32}", nonce):
        return "timestamp or nonce is missing"
    right = mac(secret, ["anchor-request-v1", stamp, nonce, method, path], body)
    if not hmac.compare_digest(headers.get("Anchor-Signature", "").encode(), right.encode()):
        return "the signature is wrong"
    now = time.time()
    if abs(now - int(stamp)) > TOLERANCE:
        return "the timestamp is too far from this server's clock"
    if not nonces.first_time(nonce, now):
        return "the request came before"
    return ""


def sign(headers, status, body):
    """Proves that an answer is ours and belongs to the request with this nonce, by the key of the request."""
    name = headers["Anchor-Key"]
    lines = ["anchor-answer-v1", headers["Anchor-Nonce"], str(status)]
    return {"Anchor-Key": name, "Anchor-Signature": mac(KEYS[name], lines, body)}


# ----------------------------------------------------------------------------------------------------------------------
# 3. The ledger


class Ledger:
    """A file of one JSON object per line, appended to and flushed to the disk before anything is confirmed.

    A process that is killed leaves at most one unfinished line, of a payout that nobody was told about: it is cut off at
    the next start. One process uses a file.
    """

    def __init__(self, path):
        self.lock = threading.Lock()
        self.entries = {}
        self.keys = {}  # by the bank's reference
        self.file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with open(path, "rb") as f:
            text = f.read()
        self.size = text.rfind(b"\n") + 1
        if self.size < len(text):
            os.ftruncate(self.file, self.size)
        for line in text[: self.size].splitlines():
            self._keep(json.loads(line))  # the last line of a key counts
        os.fsync(self.file)
        folder = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY)
        os.fsync(folder)  # so that the file itself is there after a power cut
        os.close(folder)

    def find(self, key):
        """Returns the entry of a key, which is on the disk, or None."""
        with self.lock:
            return self.entries.get(key)

    def once(self, key, decide):
        """Returns the entry of a key. If there is none yet, decide makes it: exactly once, however many ask at once."""
        with self.lock:
            if key not in self.entries:
                entry = decide()
                self._append(entry)
                self._keep(entry)
            return self.entries[key]

    def find_reference(self, reference):
        """Is find by the bank's reference."""
        with self.lock:
            return self.entries.get(self.keys.get(reference))

    def replace(self, entry):
        """Puts another entry for a key behind the one that is there."""
        with self.lock:
            self._append(entry)
            self._keep(entry)

    def _keep(self, entry):
        self.entries[entry["key"]] = entry
        if "external_id" in entry:
            self.keys[entry["external_id"]] = entry["key"]

    def _append(self, entry):
        line = json.dumps(entry).encode() + b"\n"
        try:
            rest = line
            while rest:
                rest = rest[os.write(self.file, rest) :]
        except OSError:  # a full disk, most likely: take back what was begun
            os.ftruncate(self.file, self.size)
            raise
        try:
            os.fsync(self.file)
        except OSError:
            os._exit(1)  # nobody knows what is on the disk: the next process reads it anew
        self.size += len(line)


ledger = Ledger(LEDGER)

# ----------------------------------------------------------------------------------------------------------------------
# 4. Decisions. Each gets the body of a request and returns that of the answer, or raises a Refusal for the sending anchor.
# Any other exception becomes status 500: the anchor tells nobody anything, and asks again.


class Refusal(Exception):
    def __init__(self, code, text, **more):
        super().__init__(text)
        self.body = {"code": code, "text": text, **more}


TYPES = {
    "sep31-sender": {
        "side": "sender",
        "description": "the person who sends the money",
        "fields": {
            "first_name": {"type": "string", "description": "given name"},
            "last_name": {"type": "string", "description": "family name"},
        },
    },
    "sep31-receiver": {
        "side": "receiver",
        "description": "the person who is paid",
        "fields": {
            "first_name": {"type": "string", "description": "given name"},
            "bank_account_number": {"type": "string", "description": "number of the bank account"},
        },
    },
}


def type_of(name):
    if name not in TYPES:
        raise Refusal("invalid", "'type' must be one of " + ", ".join(TYPES))
    return TYPES[name]


def types_of(side):
    return {name: {"description": t["description"]} for name, t in TYPES.items() if t["side"] == side}


def units(text, decimals):
    """Amounts are decimal texts. They are never put into a float: here they are whole numbers of the smallest unit."""
    if not re.fullmatch(r"(0|[1-9][0-9]*)(\.[0-9]+)?", text):
        raise ValueError("an amount is not a decimal number")
    whole, _, fraction = text.partition(".")
    if fraction[decimals:].strip("0"):
        raise ValueError("an amount has too many decimals")
    return int(whole + fraction[:decimals].ljust(decimals, "0"))


def amount(value, decimals):
    digits = str(value).rjust(decimals + 1, "0")
    return digits if decimals == 0 else digits[:-decimals] + "." + digits[-decimals:]


def rounded_up(dividend, divisor):
    return -(-dividend // divisor)


def fee(q):
    """The fee of a transaction that is paid out in the asset that came in: 1 %, rounded up to the asset's decimals."""
    step = 10 ** (7 - q["asset"]["decimals"])
    return {"total": amount(rounded_up(units(q["amount"], 7), 100 * step) * step, 7)}


# The price of an exchange: 5.40 for one, after a fee of 0.50. What the anchor fixes stays as it is; what follows from it is
# rounded for the house.
RATE_OF, RATE_PER = 540, 100
OFF = "iso4217:BRL"


def price(q):
    if not SELL_ASSET or q["sell"] != SELL_ASSET or q["buy"] != OFF:
        raise Refusal("invalid", f"{q['sell']} cannot be exchanged for {q['buy']} here")
    kept = units("0.50", q["sell_decimals"])
    one_sold, one_bought = 10 ** q["sell_decimals"], 10 ** q["buy_decimals"]
    if "sell_amount" in q:
        sell = units(q["sell_amount"], q["sell_decimals"])
        if sell <= kept:
            raise Refusal("invalid", "the amount does not cover the fee of 0.50")
        buy = (sell - kept) * RATE_OF * one_bought // (RATE_PER * one_sold)
    else:
        buy = units(q["buy_amount"], q["buy_decimals"])
        sell = kept + rounded_up(buy * RATE_PER * one_sold, RATE_OF * one_bought)
    if buy == 0:
        raise Refusal("invalid", "the amount is too small")
    return {
        "sell_amount": amount(sell, q["sell_decimals"]),
        "buy_amount": amount(buy, q["buy_decimals"]),
        "fee": {"total": amount(kept, q["sell_decimals"])},
    }


def quote(q):
    """A firm price is kept for 15 minutes. You are bound by it once this has returned."""
    expires = math.ceil(time.time()) + 15 * 60
    # fromisoformat knows "Z" only from Python 3.11 on; fractions of a second do not matter here.
    if "expire_after" in q and datetime.fromisoformat(q["expire_after"][:19] + "+00:00").timestamp() > expires:
        raise Refusal("invalid", "expire_after: a quote is good for 15 minutes at most")
    return {**price(q), "expires_at": datetime.fromtimestamp(expires, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")}


def verdict(q):
    """A customer is complete here: the anchor asks only once everything that is demanded was given. Your screening goes
    here. Where it takes longer than an answer may, the answer is PROCESSING, and the verdict follows."""
    values = q["customer"].get("values", {})
    names = [name for name in type_of(q["type"])["fields"] if values.get(name)]

    def everything(status):  # version: of the values that were looked at, since a verdict about others is refused
        fields = {name: {"status": status} for name in names}
        return {"type": q["type"], "version": q["customer"]["version"], "status": status, "fields": fields}

    if not SCREENING_TAKES:
        return everything("ACCEPTED")
    later(SCREENING_TAKES, announce, q["customer"]["id"], everything("ACCEPTED"))
    return everything("PROCESSING")


def check_transaction(transaction):
    if units(transaction["amount"], 7) > units("100000", 7):
        raise Refusal("invalid", "at most 100000 are accepted")
    return {"accepted": True}


def requirements(q):
    name = q.get("type") or "sep31-sender"
    return {"type": name, "fields": type_of(name)["fields"]}


def pay(payout, headers):
    """Makes a payout once per key, and answers a key that comes again as it did before. The header and the body must name
    the same key, and a key belongs to one payout for good."""
    if not payout["key"] or headers.get("Idempotency-Key") != payout["key"]:
        raise ValueError("Idempotency-Key is not the key of the payout")
    entry = ledger.once(payout["key"], lambda: decide(payout))
    if any(entry[name] != payout[name] for name in ("transaction_id", "amount", "asset")):
        raise ValueError("the key came before with another payout")
    return outcome(entry)


def decide(payout):
    """What the bank does with a payout that it has not seen before. What is refused is kept as well: this key is never
    paid later. Personal data are not kept: the ledger needs none."""
    entry = {name: payout[name] for name in ("key", "transaction_id", "amount", "asset")}
    entry["at"] = time.time()
    if payout.get("receiver", {}).get("values", {}).get("bank_account_number") in CLOSED_ACCOUNTS:
        return {**entry, "closed": True}
    return {**entry, "external_id": "PY-" + payout["key"][:8].upper()}


def outcome(entry):
    """What the anchor is told of a line of the ledger. amount and asset are repeated: they are compared."""
    if entry.get("closed"):
        needs = [{"of": "receiver", "field": "bank_account_number", "problem": "the account is closed"}]
        return {"key": entry["key"], "outcome": "needs_info", "needs": needs}
    if entry.get("returned"):
        return {"key": entry["key"], "outcome": "returned", "why": entry["returned"]}
    delivered = time.time() >= entry["at"] + DELIVERS_AFTER
    said = {name: entry[name] for name in ("key", "amount", "asset", "external_id")}
    return {**said, "outcome": "delivered" if delivered else "accepted"}


def poll(q):
    """Says what became of payouts. not_known is said of keys that are not in the ledger. Whether such a key can still come
    is for the anchor's settings: not_known_final_after must be longer than requests are accepted after they were signed."""
    entries = [(p["key"], ledger.find(p["key"])) for p in q["payouts"]]
    return {"payouts": [outcome(e) if e else {"key": key, "outcome": "not_known"} for key, e in entries]}


def offers(_):
    methods = [{"name": FUNDING_METHOD, "description": "into the bank account"}]
    return {
        "off_chain": [{"asset": OFF, "decimals": 2, "country_codes": ["BR"], "buy_delivery_methods": methods}],
        "pairs": [{"sell": SELL_ASSET, "buy": OFF}] if SELL_ASSET else [],
    }


def sending_anchor(q):
    return {"valid": "*" in SENDING_ANCHORS or q["from"]["account"] in SENDING_ANCHORS}


DECISIONS = {
    "/v1/info": lambda _: {"sender_types": types_of("sender"), "receiver_types": types_of("receiver"), "fields": {}},
    "/v1/sending-anchor": sending_anchor,
    "/v1/transactions/check": check_transaction,
    "/v1/transactions/check-update": lambda _: {"accepted": True},
    "/v1/customers/requirements": requirements,
    "/v1/customers/verdict": verdict,
    "/v1/customers/deleted": lambda _: {"deleted": True},  # erase what you keep of the customer
    "/v1/quotes/offers": offers,
    "/v1/quotes/price": price,
    "/v1/quotes/quote": quote,
    "/v1/fee": fee,
}


def decided(path, headers, body):
    """The name of the rail is one of the anchor's settings; this bank is the same by any name."""
    try:
        if re.fullmatch(r"/v1/rails/[A-Za-z0-9._-]+/execute", path):
            return 200, pay(json.loads(body), headers)
        if re.fullmatch(r"/v1/rails/[A-Za-z0-9._-]+/poll", path):
            return 200, poll(json.loads(body))
        if path not in DECISIONS:
            return 404, {"error": "there is no such path"}
        return 200, DECISIONS[path](json.loads(body))
    except Refusal as refusal:
        return 422, refusal.body
    except Exception as error:  # its text may be personal: the log gets its kind
        print(f"{path}: {type(error).__name__}", file=sys.stderr)
        return 500, {"error": "internal error"}


# ----------------------------------------------------------------------------------------------------------------------
# 5. Speaking first: the anchor's operations API. A request has a name of ours, its Idempotency-Key, so that it may be repeated
# at any time, and be late.


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None  # the key is for the anchor only


# The key goes to the address that the settings name, past any proxy that the environment names.
operations = urllib.request.build_opener(NoRedirect, urllib.request.ProxyHandler({}))


def tell(path, name, body):
    """Returns the status of the answer; 0 if there was none."""
    headers = {"Authorization": "Bearer " + OPERATIONS_KEY, "Content-Type": "application/json", "Idempotency-Key": name}
    request = urllib.request.Request(OPERATIONS_URL + "/operations" + path, json.dumps(body).encode(), headers)
    try:
        with operations.open(request, timeout=5) as response:
            response.read()
            return response.status
    except urllib.error.HTTPError as error:
        with error:
            print(f"the anchor does not take {name}: {error.code} {error.read().decode()}", file=sys.stderr)
            return error.code
    except OSError as error:
        print(f"the anchor does not hear {name}: {type(error).__name__}", file=sys.stderr)
        return 0


def later(seconds, call, *arguments):
    timer = threading.Timer(seconds, call, arguments)
    timer.daemon = True
    timer.start()


def announce(customer, decided, wait=1):
    """Tells a late verdict until the anchor has taken it, or says that it is about values which are not there any more: then
    it has asked again, about the new ones. What a process that is killed had still to tell is lost: keep it in your database."""
    name = f"screening-{customer}-{decided['type']}-{decided['version']}"
    status = tell(f"/customers/{urllib.parse.quote(customer, safe='')}/status", name, decided)
    if status in (0, 429) or status >= 500:
        later(wait, announce, customer, decided, min(2 * wait, 60))


def bank_webhook(headers, body):
    """Takes what the bank says by itself: {"id", "reference", "state", "reason"}, signed by the secret it shares with us. It
    returns the status of the answer. Anything but 200 has the bank come again, so 200 is said once the anchor has taken the
    news."""
    right = hmac.new(BANK_SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(headers.get("Bank-Signature", "").encode(), right.encode()):
        return 401
    try:
        news = json.loads(body)
    except ValueError:
        return 400
    if not isinstance(news, dict) or not all(isinstance(news.get(name), str) for name in ("id", "reference")):
        return 400
    if news.get("state") != "returned":
        return 200  # nothing that the anchor does not hear of when it asks
    entry = ledger.find_reference(news.get("reference"))
    if not entry:
        return 404
    why = news["reason"] if isinstance(news.get("reason"), str) and news["reason"] else "the bank sent it back"
    if not entry.get("returned"):
        ledger.replace({**entry, "returned": why})
    said = {"outcome": "returned", "why": why, **{name: entry[name] for name in ("amount", "asset", "external_id")}}
    return 200 if tell(f"/payouts/{entry['key']}/outcome", f"bank-{news['id']}", said) == 200 else 503


# ----------------------------------------------------------------------------------------------------------------------
# 6. The server

MOST_BODY = 1 << 20


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept
    disable_nagle_algorithm = True
    wbufsize = 1 << 16  # head and body leave in one piece
    timeout = 30  # of a connection on which nothing happens: longer than the anchor keeps an idle one

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"[0-9]{1,7}", length) or int(length) > MOST_BODY:
            self.close_connection = True
            return self.answer(413, b'{"error":"the body is too large"}', {})
        body = self.rfile.read(int(length))
        if self.path == "/bank-webhook" and BANK_SECRET:
            return self.answer(bank_webhook(self.headers, body), b"{}", {})
        fault = verify(self.command, self.path, self.headers, body)
        if fault:
            print(f"refused: {fault}", file=sys.stderr)
            return self.answer(401, b'{"error":"the request is not believed"}', {})  # not signed: this is nobody we know
        status, result = decided(self.path, self.headers, body)
        answer = json.dumps(result).encode()
        return self.answer(status, answer, sign(self.headers, status, answer))

    def answer(self, status, body, headers):
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True  # what is cut off when the process ends is asked about later
    request_queue_size = 128


def main():
    server = Server((HOST, PORT), Handler)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"listening on http://{HOST}:{server.server_address[1]}", flush=True)
    server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    main()
