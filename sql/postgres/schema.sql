-- The tables of one acceptor. One database is one slot of one cluster; its registers are rows.
-- Applied by the explicit init, in one transaction with functions.sql, single.sql, role.sql and the identity row. It
-- fails where the schema exists already: an acceptor is never initialised twice.

CREATE SCHEMA caspaxos;

COMMENT ON SCHEMA caspaxos IS
    'A CASPaxos acceptor. Never restore it from a backup: it would have forgotten promises. See the identity table.';

-- What the acceptor has for each register. Written whole, by the functions alone.
CREATE TABLE caspaxos.register (
    promised_counter  bigint NOT NULL,
    accepted_counter  bigint NOT NULL,
    promised_proposer uuid   NOT NULL,
    accepted_proposer uuid   NOT NULL,
    key               bytea  NOT NULL, -- UTF-8. Bytes, not text: byte order, no collation, and U+0000 is allowed.
    value             bytea  NOT NULL, -- Opaque. Empty while only a promise was given.
    CONSTRAINT register_pkey PRIMARY KEY (key)
)
WITH (
    -- Room on each page for the next version of a row: an update that stays on its page touches no index (HOT).
    fillfactor = 70,
    -- What is larger than that room goes to the side table, so that the row itself stays small and on its page.
    toast_tuple_target = 2304,
    -- Every accept leaves a dead row, and dead pieces of a large value. Clean up early, little at a time and without
    -- pausing.
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_scale_factor = 0.1,
    autovacuum_analyze_scale_factor = 0.2,
    autovacuum_vacuum_cost_delay = 1,
    toast.autovacuum_vacuum_scale_factor = 0.02,
    toast.autovacuum_vacuum_threshold = 2000,
    toast.autovacuum_vacuum_insert_scale_factor = 0.1,
    toast.autovacuum_vacuum_cost_delay = 0
);

COMMENT ON TABLE caspaxos.register IS
    'Promised ballot, accepted ballot and accepted value for each register. Zero ballot: none.';

-- Who this database is. One row; without it, or with another one, the functions refuse to work.
CREATE TABLE caspaxos.identity (
    singleton           boolean     NOT NULL DEFAULT true,
    format_version      integer     NOT NULL,
    complete            boolean     NOT NULL, -- False until the init has reached every slot; nothing is served before.
    cluster_id          uuid        NOT NULL,
    slot                integer     NOT NULL,
    incarnation         uuid        NOT NULL,
    -- The whole configuration, so that any one database reveals it.
    configuration_epoch bigint      NOT NULL,
    incarnations        uuid[]      NOT NULL,
    prepare_quorum      integer     NOT NULL,
    accept_quorum       integer     NOT NULL,
    -- The newest configuration epoch that this database has heard of. Older senders are fenced.
    epoch               bigint      NOT NULL,
    -- The greatest ballot, promised or accepted, that was ever erased. A missing row promises it.
    floor_counter       bigint      NOT NULL DEFAULT 0,
    floor_proposer      uuid        NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    -- The greatest version of a tombstone that was ever erased. A register with nothing accepted is absent at it.
    version_floor       bigint      NOT NULL DEFAULT 0,
    -- Where the row was written. A database that finds itself elsewhere is a copy or was restored: it may have
    -- forgotten promises.
    system_identifier   bigint      NOT NULL,
    timeline            bigint      NOT NULL,
    database_oid        oid         NOT NULL,
    identity_oid        oid         NOT NULL,
    register_oid        oid         NOT NULL,
    initialized_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT identity_pkey PRIMARY KEY (singleton),
    CONSTRAINT identity_is_one_row CHECK (singleton),
    CONSTRAINT identity_is_of_a_slot CHECK (incarnations[slot + 1] = incarnation),
    CONSTRAINT quorums_intersect CHECK (
        prepare_quorum BETWEEN 1 AND cardinality(incarnations)
        AND accept_quorum BETWEEN 1 AND cardinality(incarnations)
        AND prepare_quorum + accept_quorum > cardinality(incarnations))
);

COMMENT ON TABLE caspaxos.identity IS
    'Cluster, slot and incarnation of this database, and the cluster''s configuration. Written by the init.';

-- Emptying the table by hand would make the acceptor forget what it promised, with its identity still in place.
-- Whoever wants to give an acceptor up drops the schema, identity and all.
CREATE FUNCTION caspaxos.refuse_to_forget() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('caspaxos.erasing', true) = 'yes' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'caspaxos: % on %.% would make this acceptor forget promises', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'CP003', HINT = 'To give the acceptor up, DROP SCHEMA caspaxos CASCADE.';
END
$$;

CREATE TRIGGER refuse_to_forget BEFORE DELETE OR TRUNCATE ON caspaxos.register
    FOR EACH STATEMENT EXECUTE FUNCTION caspaxos.refuse_to_forget();
