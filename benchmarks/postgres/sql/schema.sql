-- What a central operator keeps of the market. Every fact that the contract stores or logs is a column here: of assets
-- where the contract has assets, of their history where it has events.
--
-- The caller of an operation is named, not proved: nobody signs, the operator is trusted. Amounts are in gwei, windows
-- in seconds.

CREATE TYPE member_role AS ENUM ('DataOwner', 'CloudOwner', 'ModelOwner');
CREATE TYPE instance_status AS ENUM ('Free', 'Joined', 'Verified', 'Rejected', 'Retiring');
CREATE TYPE couple_phase AS ENUM (
    'Requested', 'Approved', 'Drawing', 'Training', 'Settling', 'Ended', 'Completed', 'Lapsed', 'Withheld', 'Overdue'
);
CREATE TYPE job_status AS ENUM ('Reported', 'Accepted', 'Faulty', 'Missed');

CREATE TABLE member (
    id bigint PRIMARY KEY,  -- chosen by the member, as an address is
    role member_role NOT NULL,
    encryption_key bytea NOT NULL,
    balance bigint NOT NULL CHECK (balance >= 0)
);

CREATE TABLE movement (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    member bigint NOT NULL REFERENCES member,
    amount bigint NOT NULL,  -- paid in if positive, taken out if negative
    at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE dataset (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner bigint NOT NULL REFERENCES member,
    subsets smallint NOT NULL CHECK (subsets BETWEEN 1 AND 256),
    subsets_per_round smallint NOT NULL CHECK (subsets_per_round BETWEEN 1 AND subsets),
    max_replicas smallint NOT NULL CHECK (max_replicas BETWEEN 1 AND 16),
    round_price bigint NOT NULL CHECK (round_price >= 0),
    job_price bigint NOT NULL CHECK (job_price >= 0),
    instance_bond bigint NOT NULL CHECK (instance_bond >= greatest(job_price, miss_penalty)),
    miss_penalty bigint NOT NULL CHECK (miss_penalty >= 0),
    couple_bond bigint NOT NULL CHECK (couple_bond >= 0),
    answer_window integer NOT NULL CHECK (answer_window > 0),
    draw_window integer NOT NULL CHECK (draw_window > 0),
    report_window integer NOT NULL CHECK (report_window > 0),
    settle_window integer NOT NULL CHECK (settle_window > 0),
    couple_window integer NOT NULL CHECK (couple_window > 0),
    ends_at timestamptz NOT NULL,
    metadata_hash bytea NOT NULL,
    metadata_location bytea NOT NULL,
    pool_version integer NOT NULL DEFAULT 0,
    covered smallint NOT NULL DEFAULT 0
);

CREATE TABLE subset (
    ds bigint NOT NULL REFERENCES dataset,
    index smallint NOT NULL,
    occupied smallint NOT NULL DEFAULT 0,
    live smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (ds, index)
);

CREATE TABLE instance (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ds bigint NOT NULL,
    subset smallint NOT NULL,
    cloud_owner bigint NOT NULL REFERENCES member,
    status instance_status NOT NULL DEFAULT 'Free',
    since timestamptz NOT NULL DEFAULT now(),
    verified_at integer NOT NULL DEFAULT 0,
    left_at integer NOT NULL DEFAULT 0,
    bond bigint NOT NULL DEFAULT 0 CHECK (bond >= 0),
    sealed_location bytea NOT NULL,
    data_hash bytea,
    nonce bytea,
    FOREIGN KEY (ds, subset) REFERENCES subset
);
CREATE UNIQUE INDEX ON instance (ds, subset, cloud_owner) WHERE status <> 'Rejected';

CREATE TABLE model (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner bigint NOT NULL REFERENCES member,
    type text NOT NULL,
    plan_hash bytea NOT NULL,
    plan_location bytea NOT NULL
);

CREATE TABLE couple (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mod bigint NOT NULL REFERENCES model,
    model_owner bigint NOT NULL REFERENCES member,
    ds bigint NOT NULL REFERENCES dataset,
    data_owner bigint NOT NULL REFERENCES member,
    phase couple_phase NOT NULL DEFAULT 'Requested',
    quorum smallint NOT NULL,
    round integer NOT NULL DEFAULT 0,
    max_rounds integer NOT NULL,
    rem integer NOT NULL DEFAULT 0,
    pool_version integer NOT NULL DEFAULT 0,
    deadline timestamptz NOT NULL,
    window_ends_at timestamptz NOT NULL,
    escrow bigint NOT NULL CHECK (escrow >= 0),
    mo_tip bytea NOT NULL,
    do_tip bytea,
    undrawn smallint[] NOT NULL DEFAULT '{}',  -- of this epoch
    pending smallint[] NOT NULL DEFAULT '{}',  -- drawn and not settled
    final_model_hash bytea
);

CREATE TABLE round (
    tc bigint NOT NULL REFERENCES couple,
    round integer NOT NULL,
    mo_seed bytea NOT NULL,
    do_seed bytea,
    model_hash bytea NOT NULL,
    model_location bytea NOT NULL,
    drawn smallint[],
    PRIMARY KEY (tc, round)
);

CREATE TABLE job (
    tc bigint NOT NULL REFERENCES couple,
    round integer NOT NULL,
    ci bigint NOT NULL REFERENCES instance,
    status job_status NOT NULL,
    hash bytea,
    nonce bytea,
    sealed_location bytea,
    amount bigint,  -- paid if accepted, taken if faulty or missed
    PRIMARY KEY (tc, round, ci)
);

CREATE TABLE settlement (
    tc bigint NOT NULL REFERENCES couple,
    round integer NOT NULL,
    subset smallint NOT NULL,
    settler bigint NOT NULL,
    digest bytea NOT NULL,
    share bigint NOT NULL,
    PRIMARY KEY (tc, round, subset)
);

CREATE TYPE report AS (ci bigint, hash bytea, nonce bytea);
