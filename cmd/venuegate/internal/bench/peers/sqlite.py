# What one would write instead in Python: verify a signed token, look the ticket
# up and insert the admission in one SQLite transaction that is durable.
import base64, json, sqlite3, struct, sys, time

try:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    sys.exit("the Python package 'cryptography' is not installed")

where = sys.argv[1]
issuer = Ed25519PublicKey.from_public_bytes(bytes.fromhex(open(where + "/issuer.hex").read()))
tokens = open(where + "/tokens").read().split()

db = sqlite3.connect(where + "/python.db", isolation_level=None)
db.execute("PRAGMA journal_mode=WAL")
db.execute("PRAGMA synchronous=FULL")
db.execute("CREATE TABLE tickets (id INTEGER PRIMARY KEY, status INTEGER)")
db.execute("CREATE TABLE admissions (ticket INTEGER PRIMARY KEY, at REAL, lane INTEGER)")
db.execute("BEGIN")
db.executemany("INSERT INTO tickets VALUES (?, 0)", ((int(line),) for line in sys.stdin))
db.execute("COMMIT")
db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def scan(token):
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    body, signature = raw[:-64], raw[-64:]
    issuer.verify(signature, b"VG1 ticket\0" + body)
    (ticket,) = struct.unpack(">Q", body[8:16])
    db.execute("BEGIN IMMEDIATE")
    row = db.execute("SELECT status FROM tickets WHERE id = ?", (ticket,)).fetchone()
    if row is None or row[0] != 0:
        db.execute("ROLLBACK")
        return False
    db.execute("INSERT INTO admissions VALUES (?, ?, 1)", (ticket, time.time()))
    db.execute("COMMIT")
    return True


took = []
for token in tokens:
    begin = time.perf_counter_ns()
    if not scan(token):
        sys.exit("a good token was refused")
    took.append(time.perf_counter_ns() - begin)
took.sort()
at = lambda q: took[min(len(took) - 1, int(q * len(took)))]
print(json.dumps({"p50_ns": at(0.5), "p90_ns": at(0.9), "p99_ns": at(0.99), "max_ns": took[-1]}))
