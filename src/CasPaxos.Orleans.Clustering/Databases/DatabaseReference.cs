using CasPaxos.Postgres;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CasPaxos.Orleans;

/// <summary>How options may lead to a database.</summary>
internal enum DatabaseReferenceKind
{
    /// <summary>By the connection string itself.</summary>
    ConnectionString,

    /// <summary>By the name of a connection string in the configuration.</summary>
    ConnectionName,

    /// <summary>By the key of an <see cref="NpgsqlDataSource"/> among the services.</summary>
    ServiceKey,
}

/// <summary>
/// The way from options to the database of one slot. The only place that knows names and keys, for all providers.
/// </summary>
/// <param name="Slot">The slot's number.</param>
/// <param name="Setting">The setting's path, for messages.</param>
/// <param name="Kind">What <paramref name="Text"/> is.</param>
/// <param name="Text">What the options say.</param>
internal sealed record DatabaseReference(int Slot, string Setting, DatabaseReferenceKind Kind, string? Text)
{
    /// <summary>What is wrong with it and what to do; null if it leads to a database. Holds no secret.</summary>
    public string? FindProblem(IServiceProvider services)
    {
        if (string.IsNullOrWhiteSpace(Text))
        {
            return "is empty.";
        }

        try
        {
            Resolve(services).Parse(Slot);
            return null;
        }
        catch (ArgumentException wrong)
        {
            // A setting is named before the message already; a parameter's name says nothing to an operator.
            return wrong.Message.Replace($" (Parameter '{wrong.ParamName}')", "", StringComparison.Ordinal);
        }
    }

    /// <summary>The database.</summary>
    /// <exception cref="ArgumentException">There is no such name or key.</exception>
    public SlotDatabase Resolve(IServiceProvider services) => Kind switch
    {
        DatabaseReferenceKind.ConnectionName => new SlotDatabase(FindString(services)),
        DatabaseReferenceKind.ServiceKey => new SlotDatabase(ConnectionString: null, FindDataSource(services)),
        _ => new SlotDatabase(Text),
    };

    /// <summary>Never the string itself: it may hold a password.</summary>
    public override string ToString() => Setting;

    private string FindString(IServiceProvider services) =>
        services.GetService<IConfiguration>()?.GetConnectionString(Text!) is { Length: > 0 } found
            ? found
            : throw new ArgumentException(
                $"there is no connection string named '{Text}': set ConnectionStrings:{Text} in the configuration.");

    /// <summary>The container disposes of it.</summary>
    private NpgsqlDataSource FindDataSource(IServiceProvider services) =>
        services.GetKeyedService<NpgsqlDataSource>(Text)
            ?? throw new ArgumentException(
                $"there is no {nameof(NpgsqlDataSource)} with the key '{Text}': add it to the services, such as with " +
                $"services.AddKeyedSingleton<{nameof(NpgsqlDataSource)}>(\"{Text}\", …).");
}
