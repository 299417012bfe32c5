using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace CasPaxos.Client;

/// <summary>The help, with examples and exit codes behind it.</summary>
internal sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
{
    private const string Everywhere =
        """
        Connection: silos by --gateway, by --clustering-database for each slot, or --clustering-connection; or, when no
        silo runs, the databases themselves by --direct for each slot. What is not given comes from the environment:
        CASPAXOS_GATEWAYS, CASPAXOS_CLUSTERING_DATABASES, CASPAXOS_CLUSTERING_CONNECTION, CASPAXOS_DIRECT and so on.
        Others can see command lines: put passwords there. If nothing names a cluster, it is the one that
        'caspaxos-silo local' runs on this machine, found by its context file (CASPAXOS_CONTEXT names another file);
        'caspaxos context' shows which one and why.
        """;

    private static readonly Dictionary<string, string> Examples = new(StringComparer.Ordinal)
    {
        ["get"] =
            """
              caspaxos get greeting
              caspaxos get greeting --json              ETag, and base64 where the value is no text
              caspaxos get photo > photo.jpg
              caspaxos get leader --sealed              its owner is dead: what is not shown never comes
            """,
        ["put"] =
            """
              caspaxos put greeting "good morning"
              caspaxos put photo --file photo.jpg
              date | caspaxos put last-run --stdin
              caspaxos put flags -- --fast              a value that looks like an option
            """,
        ["create"] =
            """
              caspaxos create leader "$(hostname)" || echo "somebody else is"
            """,
        ["cas"] =
            """
              etag=$(caspaxos get greeting --json | jq -r .etag)
              caspaxos cas greeting "good evening" --etag "$etag"
              caspaxos cas greeting hello --etag absent      only if it does not exist
            """,
        ["delete"] =
            """
              caspaxos delete greeting
              caspaxos delete leader --etag "$etag"     only if it is still as it was seen
            """,
        ["incr"] =
            """
              caspaxos incr visits
              caspaxos incr stock -5
            """,
        ["append"] =
            """
              caspaxos append log "started "
              echo done | caspaxos append log --stdin
            """,
        ["list"] =
            """
              caspaxos list
              caspaxos list --prefix basket/ | cut -f1
              caspaxos list --limit 100 --after basket/ada
            """,
        ["status"] =
            """
              caspaxos status
              caspaxos status --json | jq '.slots[] | select(.serves | not)'
              caspaxos status --direct "$SLOT0" --direct "$SLOT1" --direct "$SLOT2"
            """,
        ["context"] =
            """
              caspaxos context
              curl -i "$(caspaxos context --json | jq -r .httpUrls[0])registers/greeting"
            """,
        ["bench"] =
            """
              caspaxos bench --operation put --concurrency 64 --seconds 30
              caspaxos bench --operation incr --registers 1     everybody changes one register
            """,
        ["import-adonet"] =
            """
              caspaxos import-adonet --dry-run --from "$OLD" --state cart=basket:string --state state=order:guid
              CASPAXOS_IMPORT_FROM="$OLD" CASPAXOS_DIRECT="$SLOTS" caspaxos import-adonet --state cart=basket:string
            """,
        [""] =
            """
              caspaxos put greeting hello
              caspaxos get greeting
              caspaxos status --gateway silo1:30000 --gateway silo2:30000
              CASPAXOS_DIRECT="Host=db1;…|Host=db2;…|Host=db3;…" caspaxos list
            """,
    };

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        var configuration = parseResult.InvocationConfiguration;
        var output = configuration.Output;
        using var text = new StringWriter();
        configuration.Output = text;
        help.MaxWidth = 110;
        var exitCode = help.Invoke(parseResult);
        configuration.Output = output;

        // The program's file has another name than its command.
        var command = parseResult.CommandResult.Command;
        output.Write(text.ToString().Replace("caspaxos-cli", "caspaxos", StringComparison.Ordinal));
        output.WriteLine("Examples:");
        output.WriteLine(Examples[command is RootCommand ? "" : command.Name]);
        output.WriteLine();
        output.WriteLine(Everywhere);
        output.WriteLine();
        output.WriteLine(ExitCodes.Help);
        return exitCode;
    }
}
