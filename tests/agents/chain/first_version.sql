CREATE TABLE owner (what TEXT PRIMARY KEY, who TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE block (number INTEGER PRIMARY KEY, hash BLOB NOT NULL, timestamp INTEGER NOT NULL);
CREATE TABLE log (
    block INTEGER NOT NULL REFERENCES block ON DELETE CASCADE,
    place INTEGER NOT NULL,
    "transaction" BLOB NOT NULL,
    topics BLOB NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (block, place)
) WITHOUT ROWID;
CREATE TABLE cursor (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL, hash BLOB NOT NULL,
    timestamp INTEGER NOT NULL);
CREATE TABLE outbox (
    hash BLOB PRIMARY KEY,
    nonce INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    data BLOB NOT NULL,
    value TEXT NOT NULL,
    gas INTEGER NOT NULL,
    maximum TEXT NOT NULL,
    tip TEXT NOT NULL,
    raw BLOB NOT NULL,
    mined_in INTEGER,
    UNIQUE (nonce, attempt)
) WITHOUT ROWID;
INSERT INTO block VALUES (1, x'aa', 2);
PRAGMA user_version = 1;
