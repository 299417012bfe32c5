-- Orleans grain state in PostgreSQL 14 or later, for Microsoft.Orleans.Persistence.AdoNet (invariant Npgsql).
--
-- Orleans' own script keeps no unique key on the table of grain state, so two activations that write a state for the
-- first time at once may both win; an acceptor would have promised twice. This script has the key, and a first write
-- that exactly one writer can win. Names of tables, columns, parameters and queries are those that the provider uses.
--
-- Run it on a new database, or over Orleans' tables: what is there is kept. It fails on a table that already holds two
-- records of one grain. Queries are read when a silo starts: restart the silos after running it over Orleans' tables.

BEGIN;

CREATE TABLE IF NOT EXISTS orleansquery
(
    querykey  varchar(64)   NOT NULL,
    querytext varchar(8000) NOT NULL,
    CONSTRAINT orleansquery_key PRIMARY KEY (querykey)
);

CREATE TABLE IF NOT EXISTS orleansstorage
(
    grainidhash           integer      NOT NULL,
    grainidn0             bigint       NOT NULL,
    grainidn1             bigint       NOT NULL,
    graintypehash         integer      NOT NULL,
    graintypestring       varchar(512) NOT NULL,
    grainidextensionstring varchar(512),
    serviceid             varchar(150) NOT NULL,
    payloadbinary         bytea,
    modifiedon            timestamp    NOT NULL,
    version               integer
);

-- A missing extension counts as an empty one: by default PostgreSQL holds two missing ones for different.
CREATE UNIQUE INDEX IF NOT EXISTS orleansstorage_record ON orleansstorage
    (grainidhash, graintypehash, grainidn0, grainidn1, graintypestring, (coalesce(grainidextensionstring, '')),
     serviceid);

-- No row in the answer tells the provider that another writer was faster.
INSERT INTO orleansquery (querykey, querytext) VALUES
('WriteToStorageKey', $query$
    WITH changed AS (
        UPDATE orleansstorage
           SET payloadbinary = @PayloadBinary, modifiedon = now() AT TIME ZONE 'utc', version = version + 1
         WHERE grainidhash = @GrainIdHash AND graintypehash = @GrainTypeHash
           AND grainidn0 = @GrainIdN0 AND grainidn1 = @GrainIdN1
           AND graintypestring = @GrainTypeString
           AND coalesce(grainidextensionstring, '') = coalesce(CAST(@GrainIdExtensionString AS varchar), '')
           AND serviceid = @ServiceId
           AND version = CAST(@GrainStateVersion AS integer)
        RETURNING version),
    added AS (
        INSERT INTO orleansstorage
            (grainidhash, grainidn0, grainidn1, graintypehash, graintypestring, grainidextensionstring, serviceid,
             payloadbinary, modifiedon, version)
        SELECT @GrainIdHash, @GrainIdN0, @GrainIdN1, @GrainTypeHash, @GrainTypeString,
               CAST(@GrainIdExtensionString AS varchar), @ServiceId, @PayloadBinary, now() AT TIME ZONE 'utc', 1
         WHERE CAST(@GrainStateVersion AS integer) IS NULL
        ON CONFLICT DO NOTHING
        RETURNING version)
    SELECT version AS NewGrainStateVersion FROM changed
    UNION ALL
    SELECT version FROM added
$query$),
('ReadFromStorageKey', $query$
    SELECT payloadbinary AS PayloadBinary, version AS Version
      FROM orleansstorage
     WHERE grainidhash = @GrainIdHash AND graintypehash = @GrainTypeHash
       AND grainidn0 = @GrainIdN0 AND grainidn1 = @GrainIdN1
       AND graintypestring = @GrainTypeString
       AND coalesce(grainidextensionstring, '') = coalesce(CAST(@GrainIdExtensionString AS varchar), '')
       AND serviceid = @ServiceId
$query$),
('ClearStorageKey', $query$
    UPDATE orleansstorage
       SET payloadbinary = NULL, modifiedon = now() AT TIME ZONE 'utc', version = version + 1
     WHERE grainidhash = @GrainIdHash AND graintypehash = @GrainTypeHash
       AND grainidn0 = @GrainIdN0 AND grainidn1 = @GrainIdN1
       AND graintypestring = @GrainTypeString
       AND coalesce(grainidextensionstring, '') = coalesce(CAST(@GrainIdExtensionString AS varchar), '')
       AND serviceid = @ServiceId
       AND version = CAST(@GrainStateVersion AS integer)
    RETURNING version AS NewGrainStateVersion
$query$),
('DeleteStorageKey', $query$
    DELETE FROM orleansstorage
     WHERE grainidhash = @GrainIdHash AND graintypehash = @GrainTypeHash
       AND grainidn0 = @GrainIdN0 AND grainidn1 = @GrainIdN1
       AND graintypestring = @GrainTypeString
       AND coalesce(grainidextensionstring, '') = coalesce(CAST(@GrainIdExtensionString AS varchar), '')
       AND serviceid = @ServiceId
       AND version = CAST(@GrainStateVersion AS integer)
    RETURNING version + 1 AS NewGrainStateVersion
$query$)
ON CONFLICT (querykey) DO UPDATE SET querytext = EXCLUDED.querytext;

COMMIT;
