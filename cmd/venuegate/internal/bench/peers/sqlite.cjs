// What one would write instead in Node: verify a signed token, look the ticket
// up and insert the admission in one SQLite transaction that is durable.
const crypto = require('crypto')
const fs = require('fs')

const where = process.argv[2]
const db = open(where + '/node.db')
const issuer = crypto.createPublicKey({
  key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(fs.readFileSync(where + '/issuer.hex', 'utf8'), 'hex')]),
  format: 'der', type: 'spki',
})
const tokens = fs.readFileSync(where + '/tokens', 'utf8').trim().split('\n')

// open uses what there is: the SQLite of Node 22.5 and later, or better-sqlite3.
function open(path) {
  for (const load of [() => new (require('node:sqlite').DatabaseSync)(path), () => new (require('better-sqlite3'))(path)]) {
    try {
      return load()
    } catch (e) {
      if (e.code !== 'ERR_UNKNOWN_BUILTIN_MODULE' && e.code !== 'MODULE_NOT_FOUND') throw e
    }
  }
  console.error(`Node ${process.version} has neither node:sqlite (22.5 and later) nor the package better-sqlite3`)
  process.exit(1)
}

db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL')
db.exec('CREATE TABLE tickets (id INTEGER PRIMARY KEY, status INTEGER); CREATE TABLE admissions (ticket INTEGER PRIMARY KEY, at REAL, lane INTEGER)')
const add = db.prepare('INSERT INTO tickets VALUES (?, 0)')
db.exec('BEGIN')
for (const line of fs.readFileSync(0, 'utf8').trim().split('\n')) add.run(BigInt(line))
db.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)')

const find = db.prepare('SELECT status FROM tickets WHERE id = ?')
const insert = db.prepare('INSERT INTO admissions VALUES (?, ?, 1)')
const domain = Buffer.from('VG1 ticket\0')

function scan(token) {
  const raw = Buffer.from(token, 'base64url')
  const body = raw.subarray(0, raw.length - 64)
  if (!crypto.verify(null, Buffer.concat([domain, body]), issuer, raw.subarray(raw.length - 64))) return false
  const ticket = body.readBigUInt64BE(8)
  db.exec('BEGIN IMMEDIATE')
  const row = find.get(ticket)
  if (!row || row.status !== 0) {
    db.exec('ROLLBACK')
    return false
  }
  insert.run(ticket, Date.now() / 1000)
  db.exec('COMMIT')
  return true
}

const took = []
for (const token of tokens) {
  const begin = process.hrtime.bigint()
  if (!scan(token)) throw new Error('a good token was refused')
  took.push(Number(process.hrtime.bigint() - begin))
}
took.sort((a, b) => a - b)
const at = (q) => took[Math.min(took.length - 1, Math.floor(q * took.length))]
console.log(JSON.stringify({ p50_ns: at(0.5), p90_ns: at(0.9), p99_ns: at(0.99), max_ns: took[took.length - 1] }))
