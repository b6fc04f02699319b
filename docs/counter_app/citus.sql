-- Run once at the coordinator, after `manage.py migrate` and before anything is counted.
CREATE EXTENSION IF NOT EXISTS citus;
SELECT create_distributed_table('counters', 'name');
SELECT create_distributed_table('counter_days', 'counter_name', colocate_with => 'counters');
SELECT create_distributed_table('counter_robots', 'counter_name', colocate_with => 'counters');
SELECT create_distributed_table('idempotency_keys', 'counter_name', colocate_with => 'counters');
-- counter_budgets stays at the coordinator: one row a minute of each kind, which must be
-- exact for all shards together.
