-- A dataset is offered, its replicas are handed out, declared and verified.

CREATE FUNCTION create_ds(
    caller bigint,
    subsets integer, subsets_per_round integer, max_replicas integer,
    round_price bigint, job_price bigint, instance_bond bigint, miss_penalty bigint, couple_bond bigint,
    answer_window integer, draw_window integer, report_window integer, settle_window integer, couple_window integer,
    offer_seconds integer, metadata_hash bytea, metadata_location bytea
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    ds bigint;
BEGIN
    PERFORM require_role(caller, 'DataOwner');
    INSERT INTO dataset VALUES (
        DEFAULT, caller, subsets, subsets_per_round, max_replicas,
        round_price, job_price, instance_bond, miss_penalty, couple_bond,
        answer_window, draw_window, report_window, settle_window, couple_window,
        now() + seconds(offer_seconds), metadata_hash, metadata_location
    ) RETURNING id INTO ds;
    INSERT INTO subset (ds, index) SELECT ds, generate_series(0, create_ds.subsets - 1);
    RETURN ds;
END $$;

CREATE FUNCTION create_ci(caller bigint, the_ds bigint, index integer, co bigint, location bytea) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    offered dataset;
    taken smallint;
    ci bigint;
BEGIN
    SELECT * INTO offered FROM dataset WHERE id = the_ds;
    IF NOT FOUND THEN PERFORM refuse('Distribution_NoDataset'); END IF;
    IF offered.owner <> caller THEN PERFORM refuse('Distribution_NotOwner'); END IF;
    IF now() > offered.ends_at THEN PERFORM refuse('Distribution_Ended'); END IF;
    PERFORM require_role(co, 'CloudOwner');
    UPDATE subset SET occupied = occupied + 1 WHERE ds = the_ds AND subset.index = create_ci.index
        RETURNING occupied INTO taken;
    IF NOT FOUND THEN PERFORM refuse('Distribution_NoSubset'); END IF;
    IF taken > offered.max_replicas THEN PERFORM refuse('Distribution_SubsetFull'); END IF;
    INSERT INTO instance (ds, subset, cloud_owner, sealed_location) VALUES (the_ds, index, co, location)
        ON CONFLICT DO NOTHING RETURNING id INTO ci;
    IF NOT FOUND THEN PERFORM refuse('Distribution_AlreadyNamed'); END IF;
    RETURN ci;
END $$;

-- An instance that is in the required status, locked.
CREATE FUNCTION instance_in(ci bigint, required instance_status) RETURNS instance LANGUAGE plpgsql AS $$
DECLARE
    found_instance instance;
BEGIN
    SELECT * INTO found_instance FROM instance WHERE id = ci FOR UPDATE;
    IF found_instance.status IS DISTINCT FROM required THEN PERFORM refuse('Distribution_WrongStatus'); END IF;
    RETURN found_instance;
END $$;

CREATE FUNCTION join_ci(caller bigint, ci bigint, the_hash bytea, the_nonce bytea) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    joining instance := instance_in(ci, 'Free');
    offered dataset;
BEGIN
    IF joining.cloud_owner <> caller THEN PERFORM refuse('Distribution_NotOwner'); END IF;
    SELECT * INTO offered FROM dataset WHERE id = joining.ds;
    IF now() > joining.since + seconds(offered.answer_window) THEN PERFORM refuse('Distribution_TooLate'); END IF;
    PERFORM lock(caller, offered.instance_bond);
    UPDATE instance
        SET status = 'Joined', since = now(), bond = offered.instance_bond, data_hash = the_hash, nonce = the_nonce
        WHERE id = ci;
END $$;

CREATE FUNCTION verify_ci(caller bigint, ci bigint, ok boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    joined instance := instance_in(ci, 'Joined');
    offered dataset;
    replicas smallint;
BEGIN
    SELECT * INTO offered FROM dataset WHERE id = joined.ds FOR NO KEY UPDATE;
    IF offered.owner <> caller THEN PERFORM refuse('Distribution_NotOwner'); END IF;
    IF now() > joined.since + seconds(offered.answer_window) THEN PERFORM refuse('Distribution_TooLate'); END IF;
    IF NOT ok THEN
        UPDATE instance SET status = 'Rejected', since = now(), bond = 0 WHERE id = ci;
        UPDATE subset SET occupied = occupied - 1 WHERE ds = joined.ds AND index = joined.subset;
        PERFORM free(joined.cloud_owner, joined.bond);
        RETURN;
    END IF;
    UPDATE subset SET live = live + 1 WHERE ds = joined.ds AND index = joined.subset RETURNING live INTO replicas;
    UPDATE dataset
        SET pool_version = pool_version + 1, covered = covered + (replicas = 1)::integer
        WHERE id = joined.ds;
    UPDATE instance
        SET status = 'Verified', since = now(), verified_at = offered.pool_version + 1
        WHERE id = ci;
END $$;

-- Takes a verified instance out of the pool.
CREATE FUNCTION leave_pool(leaving instance) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    replicas smallint;
    version integer;
BEGIN
    UPDATE subset SET live = live - 1 WHERE ds = leaving.ds AND index = leaving.subset RETURNING live INTO replicas;
    UPDATE dataset
        SET pool_version = pool_version + 1, covered = covered - (replicas = 0)::integer
        WHERE id = leaving.ds RETURNING pool_version INTO version;
    UPDATE instance SET status = 'Retiring', since = now(), left_at = version WHERE id = leaving.id;
END $$;

-- Whether an instance was in the pool after its `version`-th change.
CREATE FUNCTION was_in_pool(verified_at integer, left_at integer, version integer) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT verified_at <> 0 AND verified_at <= version AND (left_at = 0 OR left_at > version)
$$;
