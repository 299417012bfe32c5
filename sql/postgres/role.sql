-- The least that a client of this acceptor needs: to call the functions. It has no right on the tables, so that whoever
-- has its password can still change a register only by the rules. Grant it to the login that the application uses:
--     GRANT caspaxos_acceptor TO <login>;
-- Roles belong to the server, not to the database, so it may be there already.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'caspaxos_acceptor') THEN
        CREATE ROLE caspaxos_acceptor NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN
        NULL; -- Created by another database's init at the same moment.
END
$$;

REVOKE ALL ON SCHEMA caspaxos FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA caspaxos FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA caspaxos FROM PUBLIC;

GRANT USAGE ON SCHEMA caspaxos TO caspaxos_acceptor;
GRANT EXECUTE ON FUNCTION
    caspaxos.write(uuid, bigint, bytea[], bigint[], uuid[], bytea[], bigint[], uuid[]),
    caspaxos.write_repeated(uuid, bigint, bytea[], bigint[], uuid[], bytea[], bigint[], uuid[]),
    caspaxos.accept_one(uuid, bigint, bytea, bigint, uuid, bytea, bigint, uuid),
    caspaxos.read(uuid, bigint, bytea[]),
    caspaxos.read_one(uuid, bigint, bytea),
    caspaxos.erase(uuid, bigint, bytea[], bigint[], uuid[], bigint[]),
    caspaxos.scan(uuid, bigint, bytea, bytea, bytea, integer, bigint),
    caspaxos.describe()
TO caspaxos_acceptor;
