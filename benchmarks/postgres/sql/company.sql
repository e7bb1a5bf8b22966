-- The members of `clients` clients of pgbench, for bundled.sql, with coins for as many lives as a run can have.
SELECT create_do(3 * client, decode(repeat('ab', 64), 'hex'), 1000000000000000),
    create_co(3 * client + 1, decode(repeat('ab', 64), 'hex'), 1000000000000000),
    create_mo(3 * client + 2, decode(repeat('ab', 64), 'hex'), 1000000000000000)
    FROM generate_series(1, :clients) AS client;
