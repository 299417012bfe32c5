using System.CommandLine;

namespace CasPaxos.Client;

/// <summary>What a running command needs: its options, its way to the registers, its output.</summary>
internal sealed class CommandContext(
    ParseResult parsed, IReadOnlyList<string> arguments, Printer printer, Interruption interruption)
{
    public ParseResult Parsed => parsed;

    /// <summary>The command line as it was given, for the command that retries it.</summary>
    public IReadOnlyList<string> Arguments => arguments;

    public Printer Printer => printer;

    public Interruption Interruption => interruption;

    public CancellationToken Token => interruption.Token;

    public ConnectionSettings Settings { get; } =
        ConnectionSettings.Read(parsed, Environment.GetEnvironmentVariable);

    public T Get<T>(Argument<T> argument) => parsed.GetRequiredValue(argument);

    public T? Get<T>(Option<T> option) => parsed.GetValue(option);

    /// <summary>Connects, quickly or not at all.</summary>
    public async Task<IRegisterService> ConnectAsync()
    {
        IRegisterService service = Settings switch
        {
            ConnectionSettings.Direct direct => await DirectService.OpenAsync(direct, Token),
            ConnectionSettings.Silos silos => await SiloService.ConnectAsync(silos, Token),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        if (parsed.GetValue(GlobalOptions.Verbose))
        {
            foreach (var warning in service.Warnings)
            {
                printer.Note($"Warning: {warning}");
            }
        }

        return service;
    }
}
