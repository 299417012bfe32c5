using Microsoft.Extensions.Options;

namespace CasPaxos.Orleans;

/// <summary>Limits of a client of the register service; section <c>CasPaxos:Client</c>.</summary>
public sealed class GrainRegisterClientOptions
{
    /// <summary>
    /// Longest time that an operation may take before it is answered as unavailable or unknown. Default 5 s; above 0,
    /// at most 10 min.
    /// </summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Most operations of this client that are under way at a time; further ones wait for their turn as long as three
    /// quarters of their time, and are answered as unavailable if it does not come. Default 1,000; 1 or more.
    /// </summary>
    public int OperationsMax { get; set; } = 1_000;

    /// <summary>
    /// How long a silo may keep silent at least before the operation is sent again, under its id, by a way on which
    /// answers come: a gateway that was killed does not say so. The wait is longer where answers take longer, and is
    /// doubled with each silence from the second on. Default 400 ms; above 0.
    /// </summary>
    public TimeSpan ResendAfter { get; set; } = TimeSpan.FromMilliseconds(400);
}

/// <summary>Names every setting that is out of its range.</summary>
internal sealed class GrainRegisterClientOptionsValidator : IValidateOptions<GrainRegisterClientOptions>
{
    public ValidateOptionsResult Validate(string? name, GrainRegisterClientOptions options)
    {
        var errors = new ValidateOptionsResultBuilder();
        if (options.Timeout <= TimeSpan.Zero || options.Timeout > TimeSpan.FromMinutes(10))
        {
            errors.AddError($"{options.Timeout} is outside (0 s, 10 min].", nameof(options.Timeout));
        }

        if (options.OperationsMax < 1)
        {
            errors.AddError($"{options.OperationsMax} is below 1.", nameof(options.OperationsMax));
        }

        if (options.ResendAfter <= TimeSpan.Zero)
        {
            errors.AddError($"{options.ResendAfter} is not above 0 s.", nameof(options.ResendAfter));
        }

        return errors.Build();
    }
}
