-- Train couples: how they are asked for and agreed to; seeds, draws and answers; the end.

-- --- hashes: sha256, as keccak256 is none of PostgreSQL's ---

-- The receipt of a cloud owner that holds a data subset.
CREATE FUNCTION data_receipt(ds bigint, subset integer, co bigint, digest bytea, nonce bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256('Holdfast receipt v1'::bytea || int8send(ds) || int4send(subset) || int8send(co) || digest || nonce)
$$;

-- The receipt of a cloud owner that trained a model.
CREATE FUNCTION training_receipt(tc bigint, round integer, ci bigint, co bigint, digest bytea, nonce bytea)
RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(
        'Holdfast receipt v1'::bytea || int8send(tc) || int4send(round) || int8send(ci) || int8send(co)
        || digest || nonce
    )
$$;

-- --- phases ---

-- What is stored, and what time makes of it.
CREATE FUNCTION phase_of(asked couple) RETURNS couple_phase LANGUAGE plpgsql STABLE AS $$
DECLARE
    late boolean := now() > asked.deadline;
    settling integer;
BEGIN
    CASE asked.phase
        WHEN 'Approved' THEN
            IF asked.round = asked.max_rounds OR now() > asked.window_ends_at THEN RETURN 'Ended'; END IF;
        WHEN 'Requested' THEN
            IF late THEN RETURN 'Lapsed'; END IF;
        WHEN 'Drawing' THEN
            IF late THEN RETURN 'Withheld'; END IF;
        WHEN 'Training' THEN
            IF late OR asked.rem = 0 THEN
                SELECT settle_window INTO settling FROM dataset WHERE id = asked.ds;
                IF now() > asked.deadline + seconds(settling) THEN RETURN 'Overdue'; END IF;
                RETURN 'Settling';
            END IF;
        ELSE NULL;
    END CASE;
    RETURN asked.phase;
END $$;

-- A couple that is in one of the phases, locked.
CREATE FUNCTION couple_in(tc bigint, VARIADIC allowed couple_phase[]) RETURNS couple LANGUAGE plpgsql AS $$
DECLARE
    found_couple couple;
BEGIN
    SELECT * INTO found_couple FROM couple WHERE id = tc FOR NO KEY UPDATE;
    IF NOT FOUND OR phase_of(found_couple) <> ALL (allowed) THEN PERFORM refuse('Training_WrongPhase'); END IF;
    RETURN found_couple;
END $$;

CREATE FUNCTION require_party(caller bigint, party bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF caller <> party THEN PERFORM refuse('Training_NotParty'); END IF;
END $$;

-- --- the request ---

CREATE FUNCTION create_mod(caller bigint, type text, plan_hash bytea, plan_location bytea) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    mod bigint;
BEGIN
    PERFORM require_role(caller, 'ModelOwner');
    INSERT INTO model VALUES (DEFAULT, caller, type, plan_hash, plan_location) RETURNING id INTO mod;
    RETURN mod;
END $$;

CREATE FUNCTION request_tc(
    caller bigint, the_mod bigint, the_ds bigint, rounds integer, seed_tip bytea, wanted_quorum integer
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    offered dataset;
    answer_by timestamptz;
    last_start timestamptz;
    price bigint;
    tc bigint;
BEGIN
    PERFORM FROM model WHERE id = the_mod AND owner = caller;
    IF NOT FOUND THEN PERFORM refuse('Training_NotYourModel'); END IF;
    SELECT * INTO offered FROM dataset WHERE id = the_ds;
    IF NOT FOUND THEN PERFORM refuse('Distribution_NoDataset'); END IF;
    IF rounds = 0 OR wanted_quorum > offered.max_replicas THEN PERFORM refuse('Training_BadRequest'); END IF;
    answer_by := now() + seconds(offered.answer_window);
    last_start := answer_by + seconds(offered.couple_window);
    IF last_start + seconds(offered.draw_window + offered.report_window + 2 * offered.settle_window) > offered.ends_at
        THEN PERFORM refuse('Training_DatasetEnds');
    END IF;
    price := rounds * (offered.round_price + offered.subsets_per_round * offered.max_replicas * offered.job_price);
    PERFORM lock(caller, price);
    INSERT INTO couple
        (mod, model_owner, ds, data_owner, quorum, max_rounds, deadline, window_ends_at, escrow, mo_tip)
        VALUES (
            the_mod, caller, the_ds, offered.owner, wanted_quorum, rounds, answer_by, last_start, price, seed_tip
        ) RETURNING id INTO tc;
    RETURN tc;
END $$;

CREATE FUNCTION approve_tc(caller bigint, tc bigint, seed_tip bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    asked couple := couple_in(tc, 'Requested');
    offered dataset;
BEGIN
    PERFORM require_party(caller, asked.data_owner);
    SELECT * INTO offered FROM dataset WHERE id = asked.ds;
    IF offered.covered <> offered.subsets THEN PERFORM refuse('Training_SubsetsUncovered'); END IF;
    PERFORM lock(caller, offered.couple_bond);
    UPDATE couple SET phase = 'Approved', do_tip = seed_tip WHERE id = tc;
END $$;

-- --- a round ---

CREATE FUNCTION start_round(caller bigint, tc bigint, seed bytea, model_hash bytea, model_location bytea)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    idle couple := couple_in(tc, 'Approved');
    offered dataset;
BEGIN
    PERFORM require_party(caller, idle.model_owner);
    IF sha256(seed) <> idle.mo_tip THEN PERFORM refuse('Training_WrongSeed'); END IF;
    SELECT * INTO offered FROM dataset WHERE id = idle.ds;
    UPDATE couple SET
        phase = 'Drawing', mo_tip = seed, round = round + 1, pool_version = offered.pool_version,
        deadline = now() + seconds(offered.draw_window)
        WHERE id = tc;
    INSERT INTO round VALUES (tc, idle.round + 1, seed, NULL, start_round.model_hash, start_round.model_location);
    RETURN idle.round + 1;
END $$;

-- Draws without replacement inside an epoch: the subsets whose hash with the seed is lowest, which none can choose.
CREATE FUNCTION draw_round(caller bigint, tc bigint, seed bytea) RETURNS smallint[] LANGUAGE plpgsql AS $$
DECLARE
    drawing couple := couple_in(tc, 'Drawing');
    offered dataset;
    pool smallint[];
    chosen smallint[];
    round_seed bytea := sha256(drawing.mo_tip || seed || int8send(tc) || int4send(drawing.round));
    jobs integer;
BEGIN
    PERFORM require_party(caller, drawing.data_owner);
    IF sha256(seed) <> drawing.do_tip THEN PERFORM refuse('Training_WrongSeed'); END IF;
    SELECT * INTO offered FROM dataset WHERE id = drawing.ds;
    pool := drawing.undrawn;
    IF pool = '{}' THEN pool := ARRAY(SELECT generate_series(0, offered.subsets - 1)::smallint); END IF;
    chosen := ARRAY(
        SELECT s FROM unnest(pool) AS s ORDER BY sha256(round_seed || int2send(s)) LIMIT offered.subsets_per_round
    );
    SELECT count(*) INTO jobs FROM instance
        WHERE ds = drawing.ds AND subset = ANY (chosen)
        AND was_in_pool(verified_at, left_at, drawing.pool_version);
    UPDATE couple SET
        phase = 'Training', do_tip = seed, rem = jobs, pending = chosen,
        undrawn = ARRAY(SELECT s FROM unnest(pool) AS s WHERE s <> ALL (chosen)),
        deadline = now() + seconds(offered.report_window)
        WHERE id = tc;
    UPDATE round SET do_seed = seed, drawn = chosen WHERE round.tc = draw_round.tc AND round = drawing.round;
    RETURN chosen;
END $$;

CREATE FUNCTION update_tj(
    caller bigint, tc bigint, ci bigint, the_round integer, hash bytea, nonce bytea, location bytea
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    training couple := couple_in(tc, 'Training');
    drawn instance;
BEGIN
    IF the_round <> training.round THEN PERFORM refuse('Training_WrongRound'); END IF;
    SELECT * INTO drawn FROM instance WHERE id = ci;
    IF drawn.cloud_owner IS DISTINCT FROM caller THEN PERFORM refuse('Training_NotInstanceOwner'); END IF;
    IF drawn.ds <> training.ds OR drawn.subset <> ALL (training.pending)
        OR NOT was_in_pool(drawn.verified_at, drawn.left_at, training.pool_version)
        THEN PERFORM refuse('Training_NotDrawn');
    END IF;
    INSERT INTO job VALUES (tc, the_round, ci, 'Reported', hash, nonce, location) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN PERFORM refuse('Training_AlreadyAnswered'); END IF;
    UPDATE couple SET rem = rem - 1 WHERE id = tc;
END $$;

-- --- the end ---

CREATE FUNCTION complete_tc(caller bigint, tc bigint, model_hash bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ending couple := couple_in(tc, 'Approved', 'Ended');
    bond bigint;
BEGIN
    PERFORM require_party(caller, ending.model_owner);
    SELECT couple_bond INTO bond FROM dataset WHERE id = ending.ds;
    PERFORM free(ending.data_owner, bond);
    PERFORM free(ending.model_owner, ending.escrow);
    UPDATE couple SET phase = 'Completed', escrow = 0, final_model_hash = model_hash WHERE id = tc;
END $$;
