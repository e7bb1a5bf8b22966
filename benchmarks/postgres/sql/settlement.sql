-- Verdicts and payment.

-- Settles one subset of a round: every report is laid beside what was stored and the digest. A quorum of agreeing
-- receipts is paid, the others are slashed, the silent pay a penalty.
CREATE FUNCTION settle_round(caller bigint, the_tc bigint, the_subset integer, the_digest bytea, reports report[])
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    settling couple := couple_in(the_tc, 'Settling');
    offered dataset;
    agreeing integer;
    assigned integer;
    reported integer;
    heard integer;
    share bigint;
    to_escrow bigint := 0;
    to_accepted bigint := 0;
    bonus bigint;
BEGIN
    IF the_subset <> ALL (settling.pending) THEN PERFORM refuse('Settlement_NotPending'); END IF;
    SELECT * INTO offered FROM dataset WHERE id = settling.ds;

    -- who was drawn and stayed silent has a job too, from now on
    INSERT INTO job (tc, round, ci, status)
        SELECT the_tc, settling.round, id, 'Missed' FROM instance
        WHERE ds = settling.ds AND subset = the_subset AND was_in_pool(verified_at, left_at, settling.pool_version)
        ON CONFLICT DO NOTHING;

    -- each report must be as it was stored, and none may be left out
    SELECT count(*), count(*) FILTER (WHERE job.status = 'Reported'), count(*) FILTER (WHERE EXISTS (
            SELECT FROM unnest(reports) AS given
            WHERE given.ci = job.ci AND given.hash = job.hash AND given.nonce = job.nonce
        ))
        INTO assigned, reported, heard
        FROM job JOIN instance ON instance.id = job.ci
        WHERE job.tc = the_tc AND job.round = settling.round AND instance.subset = the_subset;
    IF heard < reported THEN PERFORM refuse('Settlement_ReportMissing'); END IF;
    IF cardinality(reports) > reported THEN PERFORM refuse('Settlement_TooManyReports'); END IF;

    UPDATE job SET status = CASE
            WHEN job.hash = training_receipt(
                the_tc, settling.round, job.ci, instance.cloud_owner, the_digest, job.nonce
            ) THEN 'Accepted'::job_status ELSE 'Faulty' END
        FROM instance
        WHERE job.tc = the_tc AND job.round = settling.round AND instance.id = job.ci
            AND instance.subset = the_subset AND job.status = 'Reported';
    SELECT count(*) INTO agreeing FROM job JOIN instance ON instance.id = job.ci
        WHERE job.tc = the_tc AND job.round = settling.round AND instance.subset = the_subset
        AND job.status = 'Accepted';
    IF agreeing < greatest(assigned / 2 + 1, least(settling.quorum, assigned)) THEN
        PERFORM refuse('Settlement_NoQuorum');
    END IF;

    SELECT * INTO to_escrow, to_accepted FROM punish(settling, offered, the_subset);
    bonus := to_accepted / agreeing;
    WITH paid AS (
        UPDATE job SET amount = offered.job_price + bonus FROM instance
            WHERE job.tc = the_tc AND job.round = settling.round AND instance.id = job.ci
            AND instance.subset = the_subset AND job.status = 'Accepted'
            RETURNING instance.cloud_owner
    )
    UPDATE member SET balance = balance + offered.job_price + bonus FROM paid WHERE member.id = paid.cloud_owner;
    share := offered.round_price / offered.subsets_per_round;
    PERFORM free(settling.data_owner, share);
    INSERT INTO settlement VALUES (the_tc, settling.round, the_subset, caller, the_digest, share);

    settling.pending := array_remove(settling.pending, the_subset::smallint);
    UPDATE couple SET
        escrow = escrow + to_escrow + to_accepted - bonus * agreeing - offered.job_price * agreeing - share,
        pending = settling.pending,
        phase = CASE WHEN settling.pending = '{}' THEN 'Approved' ELSE phase END
        WHERE id = the_tc;
    RETURN share;
END $$;

-- Takes the whole bond of the faulty, of the silent what the penalty asks. Whoever was faulty, or cannot cover another
-- miss, leaves the pool. What a faulty job would have cost is the model owner's, the rest the honest replicas'.
CREATE FUNCTION punish(settling couple, offered dataset, the_subset integer, OUT to_escrow bigint, OUT to_accepted bigint)
LANGUAGE plpgsql AS $$
DECLARE
    judged record;
    accused instance;
    taken bigint;
    compensation bigint;
BEGIN
    to_escrow := 0;
    to_accepted := 0;
    FOR judged IN
        SELECT job.ci, job.status = 'Faulty' AS faulty FROM job JOIN instance ON instance.id = job.ci
        WHERE job.tc = settling.id AND job.round = settling.round AND instance.subset = the_subset
        AND job.status IN ('Faulty', 'Missed') ORDER BY job.ci
    LOOP
        SELECT * INTO accused FROM instance WHERE id = judged.ci FOR UPDATE;
        taken := CASE WHEN judged.faulty THEN accused.bond ELSE least(accused.bond, offered.miss_penalty) END;
        compensation := CASE WHEN judged.faulty THEN least(taken, offered.job_price) ELSE taken END;
        to_escrow := to_escrow + compensation;
        to_accepted := to_accepted + taken - compensation;
        UPDATE instance SET bond = bond - taken WHERE id = judged.ci;
        UPDATE job SET amount = taken WHERE tc = settling.id AND round = settling.round AND ci = judged.ci;
        IF accused.status = 'Verified' AND (judged.faulty OR accused.bond - taken < offered.miss_penalty) THEN
            PERFORM leave_pool(accused);
        END IF;
    END LOOP;
END $$;
