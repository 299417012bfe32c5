-- The acceptor's rules in SQL (paper section 2.2). The reference is Acceptor.Decide in C#; random sequences run
-- through both prove the two equal. One call is one round trip, one transaction and one commit.
--
-- What all of them rely on:
--   * READ COMMITTED and VOLATILE: each statement in a function sees all that was committed before that statement.
--     A snapshot kept for a whole transaction could confirm what is no longer so; other isolation levels are refused.
--   * Locks in one order: first the guard (an advisory lock), then rows by key. So no two batches deadlock.
--   * The guard: writers share it; whoever erases, or learns a newer epoch, has it alone. What a writer reads from
--     the identity row after it has the guard (floors, epoch) therefore holds until its commit.
--
-- Errors: CP001 this is not the acceptor's database, or no longer; CP002 the session could lose or miss a commit;
-- CP003 the call is malformed; CP004 a scan of an older configuration epoch.
--
-- Replies: 1 promised, 2 accepted, 3 refused, 4 report, 5 erased, 6 kept, 7 fenced (counter is the epoch). Where 1
-- and 4 find nothing accepted, version_floor is the identity row's: also for a row that holds only a promise, since the
-- register may have been erased before the promise was given. Otherwise it is 0.

-- Checks that the caller means this database, learns its epoch if it is newer, and takes the guard:
-- 'shared', 'exclusive', or 'none' for readers. Only the functions below may call it; it runs with their search path.
CREATE FUNCTION caspaxos.admit(
    p_incarnation uuid, p_epoch bigint, p_guard text,
    OUT epoch bigint, OUT floor_counter bigint, OUT floor_proposer uuid, OUT version_floor bigint)
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
    guard CONSTANT bigint := 7161131809004613491; -- 'caspaxos' in ASCII.
    intact boolean;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'caspaxos: transaction_isolation is "%", must be "read committed"',
            current_setting('transaction_isolation') USING ERRCODE = 'CP002';
    END IF;
    IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
        RAISE EXCEPTION 'caspaxos: synchronous_commit is "%", must be "on"',
            current_setting('synchronous_commit') USING ERRCODE = 'CP002';
    END IF;

    -- The guard cannot be upgraded without deadlocks, so look first which kind is needed. Epochs only rise.
    SELECT i.epoch INTO epoch FROM caspaxos.identity i;
    IF p_epoch > epoch THEN
        p_guard := 'exclusive';
    END IF;
    IF p_guard = 'exclusive' THEN
        PERFORM pg_advisory_xact_lock(guard);
    ELSIF p_guard = 'shared' THEN
        PERFORM pg_advisory_xact_lock_shared(guard);
    END IF;

    -- Read again: a later statement, so it sees what was committed before the guard was ours.
    SELECT i.epoch, i.floor_counter, i.floor_proposer, i.version_floor,
           i.complete AND i.incarnation = p_incarnation
               AND i.identity_oid = i.tableoid AND i.register_oid = 'caspaxos.register'::regclass::oid
      INTO epoch, floor_counter, floor_proposer, version_floor, intact
      FROM caspaxos.identity i;
    IF intact IS NOT TRUE THEN
        RAISE EXCEPTION 'caspaxos: this database is not, or no longer, the acceptor with incarnation %', p_incarnation
            USING ERRCODE = 'CP001';
    END IF;

    IF p_epoch > epoch THEN
        UPDATE caspaxos.identity i SET epoch = p_epoch;
        epoch := p_epoch;
    END IF;
END
$$;

-- Prepare and accept, mixed. A null value makes a call a prepare; then next is ignored. Keys must ascend strictly:
-- rows are locked in this order, and a statement can change a row once (see write_repeated).
CREATE FUNCTION caspaxos.write(
    p_incarnation uuid, p_epoch bigint, p_keys bytea[],
    p_counters bigint[], p_proposers uuid[], p_values bytea[], p_next_counters bigint[], p_next_proposers uuid[])
RETURNS TABLE (ordinal integer, reply integer, counter bigint, proposer uuid, value bytea, version_floor bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off -- A plan made while the table was small would stay in use when it has grown.
SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    zero CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    calls CONSTANT integer := cardinality(p_keys);
    me record;
    this integer := 1;
    beaten integer[] := '{}';
    key bytea;
    promised_counter bigint;
    promised_proposer uuid;
    accepted_counter bigint;
    accepted_proposer uuid;
    current_value bytea;
BEGIN
    SELECT * INTO me FROM caspaxos.admit(p_incarnation, p_epoch, 'shared');
    IF p_epoch < me.epoch THEN
        RETURN QUERY SELECT i, 7, me.epoch, zero, NULL::bytea, 0::bigint FROM generate_series(1, calls) AS i;
        RETURN;
    END IF;

    -- The rule and its effect are this one statement. The row that ON CONFLICT finds is locked and is the newest
    -- committed one; RETURNING lists the calls that won, in key order. A prepare is offered with the zero ballot as
    -- accepted, an accept with its own.
    FOR key, promised_counter, promised_proposer, accepted_counter, accepted_proposer, current_value IN
        INSERT INTO caspaxos.register AS r
            (promised_counter, accepted_counter, promised_proposer, accepted_proposer, key, value)
        SELECT CASE WHEN q.value IS NOT NULL AND (q.next_counter, q.next_proposer) > (q.counter, q.proposer)
                    THEN q.next_counter ELSE q.counter END,
               CASE WHEN q.value IS NULL THEN 0 ELSE q.counter END,
               CASE WHEN q.value IS NOT NULL AND (q.next_counter, q.next_proposer) > (q.counter, q.proposer)
                    THEN q.next_proposer ELSE q.proposer END,
               CASE WHEN q.value IS NULL THEN zero ELSE q.proposer END,
               q.key, coalesce(q.value, '')
          FROM unnest(p_keys, p_counters, p_proposers, p_values, p_next_counters, p_next_proposers)
               AS q (key, counter, proposer, value, next_counter, next_proposer)
               -- A missing row promises the floor and has accepted nothing. Rows cannot go while we hold the guard; one
               -- that comes meanwhile has passed the same floor, so it beats what is left out here.
         WHERE CASE WHEN q.value IS NULL
                    THEN (q.counter, q.proposer) > (me.floor_counter, me.floor_proposer)
                         AND (q.counter, q.proposer) > (0, zero)
                    ELSE (q.counter, q.proposer) >= (me.floor_counter, me.floor_proposer)
                         AND (q.counter, q.proposer) > (0, zero) END
            OR ((q.counter, q.proposer) > (0, zero)
                -- Not EXISTS, which may be planned as a hash of the whole table.
                AND (SELECT true FROM caspaxos.register AS e WHERE e.key = q.key))
         ORDER BY q.key
        ON CONFLICT ON CONSTRAINT register_pkey DO UPDATE SET
            promised_counter = excluded.promised_counter,
            promised_proposer = excluded.promised_proposer,
            accepted_counter = CASE WHEN (excluded.accepted_counter, excluded.accepted_proposer) = (0, zero)
                                    THEN r.accepted_counter ELSE excluded.accepted_counter END,
            accepted_proposer = CASE WHEN (excluded.accepted_counter, excluded.accepted_proposer) = (0, zero)
                                     THEN r.accepted_proposer ELSE excluded.accepted_proposer END,
            value = CASE WHEN (excluded.accepted_counter, excluded.accepted_proposer) = (0, zero)
                         THEN r.value ELSE excluded.value END
         WHERE CASE WHEN (excluded.accepted_counter, excluded.accepted_proposer) = (0, zero)
                    -- Prepare: above both. Equal is refused: a ballot names one attempt.
                    THEN (excluded.promised_counter, excluded.promised_proposer)
                             > (r.promised_counter, r.promised_proposer)
                         AND (excluded.promised_counter, excluded.promised_proposer)
                             > (r.accepted_counter, r.accepted_proposer)
                    -- Accept: not below the promise, above what is accepted.
                    ELSE (excluded.accepted_counter, excluded.accepted_proposer)
                             >= (r.promised_counter, r.promised_proposer)
                         AND (excluded.accepted_counter, excluded.accepted_proposer)
                             > (r.accepted_counter, r.accepted_proposer) END
        RETURNING r.key, r.promised_counter, r.promised_proposer, r.accepted_counter, r.accepted_proposer, r.value
    LOOP
        WHILE p_keys[this] < key LOOP
            beaten := beaten || this;
            this := this + 1;
        END LOOP;
        IF p_keys[this] IS DISTINCT FROM key OR p_keys[this + 1] <= key THEN
            RAISE EXCEPTION 'caspaxos: the keys of a batch must ascend' USING ERRCODE = 'CP003';
        END IF;
        ordinal := this;
        IF p_values[this] IS NULL THEN
            reply := 1;
            counter := accepted_counter;
            proposer := accepted_proposer;
            value := current_value;
            version_floor := CASE WHEN (accepted_counter, accepted_proposer) = (0, zero)
                                  THEN me.version_floor ELSE 0 END;
        ELSE
            reply := 2;
            counter := promised_counter;
            proposer := promised_proposer;
            value := NULL;
            version_floor := 0;
        END IF;
        RETURN NEXT;
        this := this + 1;
    END LOOP;
    FOR i IN this..calls LOOP
        beaten := beaten || i;
    END LOOP;
    IF cardinality(beaten) = 0 THEN
        RETURN;
    END IF;

    -- Who did not win learns why. The very same accept again is no defeat: it holds already.
    RETURN QUERY
    SELECT b.ordinal,
           CASE WHEN b.again THEN 2 ELSE 3 END,
           CASE WHEN b.again OR (b.promised_counter, b.promised_proposer) >= (b.accepted_counter, b.accepted_proposer)
                THEN b.promised_counter ELSE b.accepted_counter END,
           CASE WHEN b.again OR (b.promised_counter, b.promised_proposer) >= (b.accepted_counter, b.accepted_proposer)
                THEN b.promised_proposer ELSE b.accepted_proposer END,
           NULL::bytea, 0::bigint
      FROM (SELECT o.i AS ordinal,
                   coalesce(r.promised_counter, me.floor_counter) AS promised_counter,
                   coalesce(r.promised_proposer, me.floor_proposer) AS promised_proposer,
                   coalesce(r.accepted_counter, 0) AS accepted_counter,
                   coalesce(r.accepted_proposer, zero) AS accepted_proposer,
                   coalesce((r.accepted_counter, r.accepted_proposer) = (p_counters[o.i], p_proposers[o.i])
                            AND (r.accepted_counter, r.accepted_proposer) <> (0, zero)
                            AND r.value = p_values[o.i], false) AS again
              FROM unnest(beaten) AS o (i) LEFT JOIN caspaxos.register AS r ON r.key = p_keys[o.i]) AS b;
END
$$;

-- The same for batches in which a key occurs more than once: call by call, equal keys in the order given.
CREATE FUNCTION caspaxos.write_repeated(
    p_incarnation uuid, p_epoch bigint, p_keys bytea[],
    p_counters bigint[], p_proposers uuid[], p_values bytea[], p_next_counters bigint[], p_next_proposers uuid[])
RETURNS TABLE (ordinal integer, reply integer, counter bigint, proposer uuid, value bytea, version_floor bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    FOR i IN 1..cardinality(p_keys) LOOP
        IF p_keys[i] < p_keys[i - 1] THEN
            RAISE EXCEPTION 'caspaxos: the keys of a batch must ascend' USING ERRCODE = 'CP003';
        END IF;
        RETURN QUERY
        SELECT i, w.reply, w.counter, w.proposer, w.value, w.version_floor
          FROM caspaxos.write(p_incarnation, p_epoch, p_keys[i:i], p_counters[i:i], p_proposers[i:i], p_values[i:i],
                              p_next_counters[i:i], p_next_proposers[i:i]) AS w;
    END LOOP;
END
$$;

-- What is accepted. Takes no lock: epoch, rows and version floor come from one statement, so from one moment. A floor
-- of an earlier moment could be too low for a register that was erased in between.
CREATE FUNCTION caspaxos.read(p_incarnation uuid, p_epoch bigint, p_keys bytea[])
RETURNS TABLE (ordinal integer, reply integer, counter bigint, proposer uuid, value bytea, version_floor bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off -- These two would read the whole table.
SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    zero CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
BEGIN
    PERFORM caspaxos.admit(p_incarnation, p_epoch, 'none');
    RETURN QUERY
    SELECT q.ordinal::integer,
           CASE WHEN p_epoch < i.epoch THEN 7 ELSE 4 END,
           CASE WHEN p_epoch < i.epoch THEN i.epoch ELSE coalesce(r.accepted_counter, 0) END,
           coalesce(r.accepted_proposer, zero),
           CASE WHEN p_epoch < i.epoch THEN NULL ELSE r.value END,
           CASE WHEN p_epoch < i.epoch OR (r.accepted_counter, r.accepted_proposer) <> (0, zero)
                THEN 0 ELSE i.version_floor END -- No row: the comparison is null, not true.
      FROM caspaxos.identity AS i
           CROSS JOIN unnest(p_keys) WITH ORDINALITY AS q (key, ordinal)
           LEFT JOIN caspaxos.register AS r ON r.key = q.key
     WHERE i.incarnation = p_incarnation;
    IF NOT FOUND AND cardinality(p_keys) > 0 THEN
        RAISE EXCEPTION 'caspaxos: this database is no longer the acceptor with incarnation %', p_incarnation
            USING ERRCODE = 'CP001';
    END IF;
END
$$;

-- Forgets rows whose accepted ballot is the one given, and raises the floor over all that they held, and the version
-- floor to the tombstones' versions. Alone: no writer may have read the old floors and insert after.
CREATE FUNCTION caspaxos.erase(
    p_incarnation uuid, p_epoch bigint, p_keys bytea[], p_counters bigint[], p_proposers uuid[], p_versions bigint[])
RETURNS TABLE (ordinal integer, reply integer, counter bigint, proposer uuid, value bytea, version_floor bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    zero CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    me record;
    gone record;
    version_max CONSTANT bigint := 4611686018427387903; -- As RegisterRecord.VersionMax.
    new_counter bigint;
    new_proposer uuid;
    new_version bigint;
BEGIN
    SELECT * INTO me FROM caspaxos.admit(p_incarnation, p_epoch, 'exclusive');
    IF p_epoch < me.epoch THEN
        RETURN QUERY
        SELECT i, 7, me.epoch, zero, NULL::bytea, 0::bigint FROM generate_series(1, cardinality(p_keys)) AS i;
        RETURN;
    END IF;

    new_counter := me.floor_counter;
    new_proposer := me.floor_proposer;
    new_version := me.version_floor;
    version_floor := 0;
    PERFORM set_config('caspaxos.erasing', 'yes', true);
    FOR i IN 1..cardinality(p_keys) LOOP
        IF (p_versions[i] BETWEEN 0 AND version_max) IS NOT TRUE THEN
            RAISE EXCEPTION 'caspaxos: version % is not one of 0 to %', p_versions[i], version_max
                USING ERRCODE = 'CP003';
        END IF;
        ordinal := i;
        DELETE FROM caspaxos.register AS r
         WHERE r.key = p_keys[i] AND (r.accepted_counter, r.accepted_proposer) = (p_counters[i], p_proposers[i])
        RETURNING r.promised_counter, r.promised_proposer, r.accepted_counter, r.accepted_proposer INTO gone;
        IF FOUND THEN
            -- What the row promised outlives it; otherwise an older ballot would be taken again.
            IF (gone.promised_counter, gone.promised_proposer) > (new_counter, new_proposer) THEN
                new_counter := gone.promised_counter;
                new_proposer := gone.promised_proposer;
            END IF;
            IF (gone.accepted_counter, gone.accepted_proposer) > (new_counter, new_proposer) THEN
                new_counter := gone.accepted_counter;
                new_proposer := gone.accepted_proposer;
            END IF;
            -- So does the tombstone's version; otherwise a register created anew would repeat versions. A promise alone
            -- has none.
            IF (gone.accepted_counter, gone.accepted_proposer) <> (0, zero) THEN
                new_version := greatest(new_version, p_versions[i]);
            END IF;
            reply := 5;
            counter := 0;
            proposer := zero;
        ELSE
            SELECT 6, r.accepted_counter, r.accepted_proposer INTO reply, counter, proposer
              FROM caspaxos.register AS r WHERE r.key = p_keys[i];
            IF NOT FOUND THEN
                reply := 5;
                counter := 0;
                proposer := zero;
            END IF;
        END IF;
        RETURN NEXT;
    END LOOP;
    PERFORM set_config('caspaxos.erasing', 'no', true);

    IF (new_counter, new_proposer) > (me.floor_counter, me.floor_proposer) OR new_version > me.version_floor THEN
        UPDATE caspaxos.identity AS i
           SET floor_counter = new_counter, floor_proposer = new_proposer, version_floor = new_version;
    END IF;
END
$$;

-- A page of rows in key order. Keys are UTF-8, in which no byte is 255: prefix followed by 255 ends the range.
CREATE FUNCTION caspaxos.scan(
    p_incarnation uuid, p_epoch bigint, p_prefix bytea, p_after bytea, p_through bytea, p_limit integer,
    p_value_bytes bigint)
RETURNS TABLE (key bytea, counter bigint, proposer uuid, value bytea, promised_counter bigint, promised_proposer uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    known bigint;
BEGIN
    SELECT a.epoch INTO known FROM caspaxos.admit(p_incarnation, p_epoch, 'none') AS a;
    IF p_epoch < known THEN
        RAISE EXCEPTION 'caspaxos: the configuration epoch is %, the scan is of %', known, p_epoch
            USING ERRCODE = 'CP004';
    END IF;
    IF p_value_bytes IS NULL THEN
        RETURN QUERY
        SELECT r.key, r.accepted_counter, r.accepted_proposer, substring(r.value FROM 1 FOR 48),
               r.promised_counter, r.promised_proposer
          FROM caspaxos.register AS r
         WHERE r.key >= p_prefix AND r.key < p_prefix || '\xff'::bytea AND r.key > coalesce(p_after, ''::bytea)
           AND (p_through IS NULL OR r.key <= p_through)
         ORDER BY r.key
         LIMIT p_limit;
    ELSE
        -- The length of a value is known without the value: those behind the last row are not read.
        RETURN QUERY
        SELECT page.key, page.accepted_counter, page.accepted_proposer, page.value,
               page.promised_counter, page.promised_proposer
          FROM (SELECT r.*, sum(octet_length(r.value)) OVER (ORDER BY r.key ROWS UNBOUNDED PRECEDING)
                            - octet_length(r.value) AS bytes_before
                  FROM caspaxos.register AS r
                 WHERE r.key >= p_prefix AND r.key < p_prefix || '\xff'::bytea AND r.key > coalesce(p_after, ''::bytea)
                   AND (p_through IS NULL OR r.key <= p_through)
                 ORDER BY r.key
                 LIMIT p_limit) AS page
         WHERE page.bytes_before < p_value_bytes
         ORDER BY page.key;
    END IF;
END
$$;

-- Who this database says it is, and where it finds itself now. No row: no identity. New columns come last: the library
-- reads the format version of older and newer databases too, to say why it refuses them.
CREATE FUNCTION caspaxos.describe()
RETURNS TABLE (
    format_version integer, complete boolean, cluster_id uuid, slot integer, incarnation uuid,
    configuration_epoch bigint, incarnations uuid[], prepare_quorum integer, accept_quorum integer,
    epoch bigint, floor_counter bigint, floor_proposer uuid, in_place text, rows_estimate bigint,
    version_floor bigint)
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT i.format_version, i.complete, i.cluster_id, i.slot, i.incarnation,
           i.configuration_epoch, i.incarnations, i.prepare_quorum, i.accept_quorum,
           i.epoch, i.floor_counter, i.floor_proposer,
           -- Empty if it is where it was initialised; otherwise the first thing that differs.
           CASE WHEN i.system_identifier <> (SELECT c.system_identifier FROM pg_control_system() AS c)
                THEN 'system_identifier'
                -- Not from the control file: that has a new timeline only after the first checkpoint.
                WHEN i.timeline <> ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint
                THEN 'timeline'
                WHEN i.database_oid <> (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
                THEN 'database oid'
                WHEN i.identity_oid <> i.tableoid OR i.register_oid <> 'caspaxos.register'::regclass::oid
                THEN 'table oid'
                ELSE '' END,
           (SELECT greatest(c.reltuples, 0)::bigint FROM pg_class AS c WHERE c.oid = 'caspaxos.register'::regclass),
           i.version_floor
      FROM caspaxos.identity AS i
$$;
