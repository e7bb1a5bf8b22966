-- Members and their balances.

CREATE FUNCTION refuse(reason text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', reason USING ERRCODE = 'HF000';
END $$;

CREATE FUNCTION seconds(number integer) RETURNS interval LANGUAGE sql IMMUTABLE AS $$
    SELECT number * interval '1 second'
$$;

-- Adds what was locked or just came in.
CREATE FUNCTION free(account bigint, amount bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE member SET balance = balance + amount WHERE id = account;
END $$;

-- Takes `amount` out of a free balance. Whoever calls says where it is now.
CREATE FUNCTION lock(account bigint, amount bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE member SET balance = balance - amount WHERE id = account AND balance >= amount;
    IF NOT FOUND THEN PERFORM refuse('Ledger_InsufficientBalance'); END IF;
END $$;

CREATE FUNCTION require_role(account bigint, required member_role) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM member WHERE id = account AND role = required;
    IF NOT FOUND THEN PERFORM refuse('Members_WrongRole'); END IF;
END $$;

CREATE FUNCTION register(caller bigint, new_role member_role, key bytea, coins bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
    IF octet_length(key) <> 64 THEN PERFORM refuse('Members_BadEncryptionKey'); END IF;
    INSERT INTO member VALUES (caller, new_role, key, coins) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN PERFORM refuse('Members_AlreadyRegistered'); END IF;
    IF coins <> 0 THEN INSERT INTO movement (member, amount) VALUES (caller, coins); END IF;
    RETURN caller;
END $$;

CREATE FUNCTION create_do(caller bigint, key bytea, coins bigint) RETURNS bigint LANGUAGE sql AS $$
    SELECT register(caller, 'DataOwner', key, coins)
$$;

CREATE FUNCTION create_co(caller bigint, key bytea, coins bigint) RETURNS bigint LANGUAGE sql AS $$
    SELECT register(caller, 'CloudOwner', key, coins)
$$;

CREATE FUNCTION create_mo(caller bigint, key bytea, coins bigint) RETURNS bigint LANGUAGE sql AS $$
    SELECT register(caller, 'ModelOwner', key, coins)
$$;

CREATE FUNCTION withdraw(caller bigint, coins bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock(caller, coins);
    INSERT INTO movement (member, amount) VALUES (caller, -coins);
END $$;
