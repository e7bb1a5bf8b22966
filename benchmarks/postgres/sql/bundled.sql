-- A whole life of a model for pgbench in eleven transactions, bundled as the market's multicall bundles: what one
-- member says at one moment is one statement. Who registers pays in, and a bundle takes no coins.
\set life :life + 1
\set owner ((:client_id + 1) * 10000000 + :life) * 3
\set cloud :owner + 1
\set model_owner :owner + 2
SELECT create_do(:owner, :key, 20000000);
SELECT create_co(:cloud, :key, 5000000);
SELECT create_mo(:model_owner, :key, 11000000);
WITH offer AS MATERIALIZED (SELECT create_ds(:owner, 1, 1, 1, 10000000, 1000000, 5000000, 1000000, 20000000, 3600, 3600, 3600, 3600, 3600, 1000000, :hash, :location) AS ds) SELECT ds, create_ci(:owner, ds, 0, :cloud, :location) AS ci FROM offer \gset
SELECT join_ci(:cloud, :ci, data_receipt(:ds, 0, :cloud, :hash, :nonce), :nonce);
SELECT request_tc(:model_owner, create_mod(:model_owner, 'linear', :hash, :location), :ds, 1, :tip, 0) AS tc \gset
SELECT verify_ci(:owner, :ci, true), approve_tc(:owner, :tc, :tip);
SELECT start_round(:model_owner, :tc, :seed, :hash, :location);
SELECT draw_round(:owner, :tc, :seed);
SELECT update_tj(:cloud, :tc, :ci, 1, training_receipt(:tc, 1, :ci, :cloud, :hash, :nonce), :nonce, :location);
SELECT settle_round(:model_owner, :tc, 0, :hash, ARRAY[ROW(:ci, training_receipt(:tc, 1, :ci, :cloud, :hash, :nonce), :nonce)::report]), complete_tc(:model_owner, :tc, :hash);
