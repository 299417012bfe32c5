-- The reminder table of Microsoft.Orleans.Reminders.AdoNet (invariant Npgsql), for the benchmark. Names of the table,
-- columns, parameters and queries are those that the provider uses; what it only needs in production is left out.

CREATE TABLE orleansquery
(
    querykey  varchar(64)   PRIMARY KEY,
    querytext varchar(8000) NOT NULL
);

CREATE TABLE orleansreminderstable
(
    serviceid    varchar(150)   NOT NULL,
    grainid      varchar(150)   NOT NULL,
    remindername varchar(150)   NOT NULL,
    starttime    timestamptz(3) NOT NULL,
    period       bigint         NOT NULL,
    grainhash    integer        NOT NULL,
    version      integer        NOT NULL,
    PRIMARY KEY (serviceid, grainid, remindername)
);

INSERT INTO orleansquery (querykey, querytext) VALUES
('UpsertReminderRowKey', $query$
    INSERT INTO orleansreminderstable AS r
    VALUES (@ServiceId, @GrainId, @ReminderName, @StartTime, @Period, @GrainHash, 0)
    ON CONFLICT (serviceid, grainid, remindername) DO UPDATE
    SET starttime = excluded.starttime, period = excluded.period, version = r.version + 1
    RETURNING version
$query$),
('ReadReminderRowsKey', $query$
    SELECT grainid, remindername, starttime, period, version FROM orleansreminderstable
    WHERE serviceid = @ServiceId AND grainid = @GrainId
$query$),
('ReadReminderRowKey', $query$
    SELECT grainid, remindername, starttime, period, version FROM orleansreminderstable
    WHERE serviceid = @ServiceId AND grainid = @GrainId AND remindername = @ReminderName
$query$),
('ReadRangeRows1Key', $query$
    SELECT grainid, remindername, starttime, period, version FROM orleansreminderstable
    WHERE serviceid = @ServiceId AND grainhash > @BeginHash AND grainhash <= @EndHash
$query$),
('ReadRangeRows2Key', $query$
    SELECT grainid, remindername, starttime, period, version FROM orleansreminderstable
    WHERE serviceid = @ServiceId AND (grainhash > @BeginHash OR grainhash <= @EndHash)
$query$),
('DeleteReminderRowKey', $query$
    WITH gone AS
    (
        DELETE FROM orleansreminderstable
        WHERE serviceid = @ServiceId AND grainid = @GrainId AND remindername = @ReminderName AND version = @Version
        RETURNING 1
    )
    SELECT count(*)::integer FROM gone
$query$),
('DeleteReminderRowsKey', $query$
    DELETE FROM orleansreminderstable WHERE serviceid = @ServiceId
$query$);
