-- Batches of one call, for a client with little to do: the same rules as in functions.sql and the same reliances, with
-- fewer statements. Each handles what happens nearly always and leaves the rest to the function for whole batches.

-- The short way for a batch of one accept on a row that is there: what an idle client's change costs is mostly this. It
-- takes the same guard and decides by the same comparisons; all else (no row, refused, repeated, another epoch, another
-- acceptor, a session that is refused) it leaves to write, which says why.
CREATE FUNCTION caspaxos.accept_one(
    p_incarnation uuid, p_epoch bigint, p_key bytea,
    p_counter bigint, p_proposer uuid, p_value bytea, p_next_counter bigint, p_next_proposer uuid,
    OUT ordinal integer, OUT reply integer, OUT counter bigint, OUT proposer uuid, OUT value bytea,
    OUT version_floor bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    guard CONSTANT bigint := 7161131809004613491; -- As in admit.
    guarded boolean;
BEGIN
    IF current_setting('transaction_isolation') = 'read committed'
        AND current_setting('synchronous_commit') IN ('on', 'remote_apply')
    THEN
        -- Not for a newer epoch: write then needs the guard alone, which who shares it cannot have without deadlocks.
        SELECT CASE WHEN i.epoch = p_epoch THEN pg_advisory_xact_lock_shared(guard) IS NOT NULL END
          INTO guarded FROM caspaxos.identity AS i;
    END IF;
    IF guarded THEN
        ordinal := 1;
        reply := 2;
        version_floor := 0;
        counter := p_counter;
        proposer := p_proposer;
        IF (p_next_counter, p_next_proposer) > (p_counter, p_proposer) THEN
            counter := p_next_counter;
            proposer := p_next_proposer;
        END IF;

        -- A later statement than the guard, so the identity that it sees holds until the commit. It waits for whoever
        -- changes the row and then compares with the newest version.
        UPDATE caspaxos.register AS r
           SET promised_counter = accept_one.counter, promised_proposer = accept_one.proposer,
               accepted_counter = p_counter, accepted_proposer = p_proposer, value = p_value
          FROM caspaxos.identity AS i
         WHERE r.key = p_key
           AND (p_counter, p_proposer) >= (r.promised_counter, r.promised_proposer)
           AND (p_counter, p_proposer) > (r.accepted_counter, r.accepted_proposer)
           AND i.epoch = p_epoch AND i.complete AND i.incarnation = p_incarnation
           AND i.identity_oid = i.tableoid AND i.register_oid = r.tableoid;
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;

    SELECT w.ordinal, w.reply, w.counter, w.proposer, w.value, w.version_floor
      INTO ordinal, reply, counter, proposer, value, version_floor
      FROM caspaxos.write(p_incarnation, p_epoch, ARRAY[p_key], ARRAY[p_counter], ARRAY[p_proposer], ARRAY[p_value],
                          ARRAY[p_next_counter], ARRAY[p_next_proposer]) AS w;
END
$$;

-- The short way for a batch of one read. Epoch, row and version floor come from one statement; all but a plain report
-- is left to read.
CREATE FUNCTION caspaxos.read_one(
    p_incarnation uuid, p_epoch bigint, p_key bytea,
    OUT ordinal integer, OUT reply integer, OUT counter bigint, OUT proposer uuid, OUT value bytea,
    OUT version_floor bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    zero CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
BEGIN
    IF current_setting('transaction_isolation') = 'read committed'
        AND current_setting('synchronous_commit') IN ('on', 'remote_apply')
    THEN
        SELECT 1, 4, r.accepted_counter, r.accepted_proposer, r.value,
               CASE WHEN (r.accepted_counter, r.accepted_proposer) = (0, zero) THEN i.version_floor ELSE 0 END
          INTO ordinal, reply, counter, proposer, value, version_floor
          FROM caspaxos.identity AS i CROSS JOIN caspaxos.register AS r
         WHERE r.key = p_key
           AND i.epoch = p_epoch AND i.complete AND i.incarnation = p_incarnation
           AND i.identity_oid = i.tableoid AND i.register_oid = r.tableoid;
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;

    SELECT q.ordinal, q.reply, q.counter, q.proposer, q.value, q.version_floor
      INTO ordinal, reply, counter, proposer, value, version_floor
      FROM caspaxos.read(p_incarnation, p_epoch, ARRAY[p_key]) AS q;
END
$$;
