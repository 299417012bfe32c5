-- The membership of an Orleans cluster in PostgreSQL: what Orleans' ADO.NET clustering provider needs.
-- Applied by `caspaxos-silo init`; may be applied again at any time, also by hand.
--
-- The provider reads its statements from a table that must be named OrleansQuery and be found through the search path.
-- All the rest is in a schema of its own, behind functions: the statements in OrleansQuery only call them, so that a
-- running silo, which keeps the statements that it has read, goes on after the functions were replaced.

CREATE SCHEMA IF NOT EXISTS caspaxos_clustering;

-- One row a cluster. Every change of a member raises the version, and is made only by who has seen the latest.
CREATE TABLE IF NOT EXISTS caspaxos_clustering.cluster (
    cluster_id text PRIMARY KEY,
    version integer NOT NULL DEFAULT 0
);

-- One row for every silo that ever joined; the generation tells a silo from the one before it on the same port.
CREATE TABLE IF NOT EXISTS caspaxos_clustering.silo (
    cluster_id text NOT NULL REFERENCES caspaxos_clustering.cluster,
    address text NOT NULL,
    port integer NOT NULL,
    generation integer NOT NULL,
    name text NOT NULL,
    host text NOT NULL,
    status integer NOT NULL,
    gateway_port integer NOT NULL,
    suspicions text,
    started_at timestamptz NOT NULL,
    alive_at timestamptz NOT NULL,
    PRIMARY KEY (cluster_id, address, port, generation)
);

-- True if the cluster was not known before.
CREATE OR REPLACE FUNCTION caspaxos_clustering.add_cluster(for_cluster text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO caspaxos_clustering.cluster (cluster_id) VALUES (for_cluster) ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;

-- True if the cluster is at this version. Locks its row: whoever changes a member waits here for the one before.
CREATE OR REPLACE FUNCTION caspaxos_clustering.lock_version(for_cluster text, expected integer) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM caspaxos_clustering.cluster WHERE cluster_id = for_cluster AND version = expected FOR UPDATE;
    RETURN FOUND;
END
$$;

-- True if the silo was added; nothing is changed if it is there, or if the version is another.
CREATE OR REPLACE FUNCTION caspaxos_clustering.add_silo(
    for_cluster text, expected integer, silo_address text, silo_port integer, silo_generation integer, silo_name text,
    silo_host text, silo_status integer, silo_gateway_port integer, silo_started_at timestamptz,
    silo_alive_at timestamptz) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT caspaxos_clustering.lock_version(for_cluster, expected) THEN
        RETURN false;
    END IF;

    INSERT INTO caspaxos_clustering.silo
        (cluster_id, address, port, generation, name, host, status, gateway_port, started_at, alive_at)
    VALUES (for_cluster, silo_address, silo_port, silo_generation, silo_name, silo_host, silo_status, silo_gateway_port,
            silo_started_at, silo_alive_at)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;

    UPDATE caspaxos_clustering.cluster SET version = version + 1 WHERE cluster_id = for_cluster;
    RETURN true;
END
$$;

-- True if the silo was changed; nothing is if it is not there, or if the version is another.
CREATE OR REPLACE FUNCTION caspaxos_clustering.change_silo(
    for_cluster text, expected integer, silo_address text, silo_port integer, silo_generation integer,
    silo_status integer, silo_suspicions text, silo_alive_at timestamptz) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT caspaxos_clustering.lock_version(for_cluster, expected) THEN
        RETURN false;
    END IF;

    UPDATE caspaxos_clustering.silo
    SET status = silo_status, suspicions = silo_suspicions, alive_at = silo_alive_at
    WHERE cluster_id = for_cluster AND address = silo_address AND port = silo_port AND generation = silo_generation;
    IF NOT FOUND THEN
        RETURN false;
    END IF;

    UPDATE caspaxos_clustering.cluster SET version = version + 1 WHERE cluster_id = for_cluster;
    RETURN true;
END
$$;

-- A sign of life is no change of the membership, and leaves the version alone.
CREATE OR REPLACE FUNCTION caspaxos_clustering.report_alive(
    for_cluster text, silo_address text, silo_port integer, silo_generation integer, silo_alive_at timestamptz)
RETURNS void
LANGUAGE sql AS $$
    UPDATE caspaxos_clustering.silo SET alive_at = silo_alive_at
    WHERE cluster_id = for_cluster AND address = silo_address AND port = silo_port AND generation = silo_generation
$$;

-- The members; one row without a member for a cluster that has none, since the provider always needs the version.
-- Columns by the names that the provider looks for.
CREATE OR REPLACE FUNCTION caspaxos_clustering.members(
    for_cluster text, silo_address text DEFAULT NULL, silo_port integer DEFAULT NULL,
    silo_generation integer DEFAULT NULL)
RETURNS TABLE (
    version integer, address text, port integer, generation integer, siloname text, hostname text, status integer,
    proxyport integer, suspecttimes text, starttime timestamptz, iamalivetime timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT known.version, silo.address, silo.port, silo.generation, silo.name, silo.host, silo.status,
           silo.gateway_port, silo.suspicions, silo.started_at, silo.alive_at
    FROM caspaxos_clustering.cluster AS known
    LEFT JOIN caspaxos_clustering.silo AS silo
        ON silo.cluster_id = known.cluster_id
        AND (silo_address IS NULL
            OR (silo.address, silo.port, silo.generation) = (silo_address, silo_port, silo_generation))
    WHERE known.cluster_id = for_cluster
$$;

-- Where clients connect: silos in the given state that have a gateway.
CREATE OR REPLACE FUNCTION caspaxos_clustering.gateways(for_cluster text, silo_status integer)
RETURNS TABLE (address text, proxyport integer, generation integer)
LANGUAGE sql STABLE AS $$
    SELECT silo.address, silo.gateway_port, silo.generation
    FROM caspaxos_clustering.silo AS silo
    WHERE silo.cluster_id = for_cluster AND silo.status = silo_status AND silo.gateway_port > 0
$$;

-- 6 is Orleans' number for dead.
CREATE OR REPLACE FUNCTION caspaxos_clustering.forget_dead(for_cluster text, not_alive_since timestamptz) RETURNS void
LANGUAGE sql AS $$
    DELETE FROM caspaxos_clustering.silo
    WHERE cluster_id = for_cluster AND status = 6 AND alive_at < not_alive_since
$$;

CREATE OR REPLACE FUNCTION caspaxos_clustering.drop_cluster(for_cluster text) RETURNS void
LANGUAGE sql AS $$
    DELETE FROM caspaxos_clustering.silo WHERE cluster_id = for_cluster;
    DELETE FROM caspaxos_clustering.cluster WHERE cluster_id = for_cluster;
$$;

CREATE TABLE IF NOT EXISTS OrleansQuery (
    QueryKey varchar(64) PRIMARY KEY,
    QueryText varchar(8000) NOT NULL
);

-- A database whose membership another script keeps is left as it is: two halves of one cluster that look at different
-- tables would not see each other.
INSERT INTO OrleansQuery (QueryKey, QueryText)
SELECT ours.key, 'SELECT ' || ours.statement
FROM (VALUES
    ('InsertMembershipVersionKey', 'caspaxos_clustering.add_cluster(@DeploymentId)'),
    ('InsertMembershipKey',
     'caspaxos_clustering.add_silo(@DeploymentId, @Version, @Address, @Port, @Generation, @SiloName, @HostName, '
     || '@Status, @ProxyPort, @StartTime, @IAmAliveTime)'),
    ('UpdateMembershipKey',
     'caspaxos_clustering.change_silo(@DeploymentId, @Version, @Address, @Port, @Generation, @Status, '
     || '@SuspectTimes, @IAmAliveTime)'),
    ('UpdateIAmAlivetimeKey',
     'caspaxos_clustering.report_alive(@DeploymentId, @Address, @Port, @Generation, @IAmAliveTime)'),
    ('MembershipReadAllKey', '* FROM caspaxos_clustering.members(@DeploymentId)'),
    ('MembershipReadRowKey', '* FROM caspaxos_clustering.members(@DeploymentId, @Address, @Port, @Generation)'),
    ('GatewaysQueryKey', '* FROM caspaxos_clustering.gateways(@DeploymentId, @Status)'),
    ('CleanupDefunctSiloEntriesKey', 'caspaxos_clustering.forget_dead(@DeploymentId, @IAmAliveTime)'),
    ('DeleteMembershipTableEntriesKey', 'caspaxos_clustering.drop_cluster(@DeploymentId)')
) AS ours (key, statement)
WHERE NOT EXISTS (
    SELECT FROM OrleansQuery AS theirs
    WHERE theirs.QueryKey = 'MembershipReadAllKey' AND theirs.QueryText NOT LIKE '%caspaxos\_clustering.%')
ON CONFLICT (QueryKey) DO UPDATE SET QueryText = EXCLUDED.QueryText;
