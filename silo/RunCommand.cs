namespace CasPaxos.Silo;

/// <summary><c>run</c>: one silo, until it is told to stop.</summary>
internal static class RunCommand
{
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        try
        {
            await using var application = SiloApplication.Build(arguments);
            await StartAsync(application, cancellationToken);
            await application.WaitForShutdownAsync(CancellationToken.None);
            return ExitCodes.Done;
        }
        catch (SettingsException wrong)
        {
            return ConsoleText.Complain(wrong.Message, ExitCodes.WrongSettings);
        }
        catch (OrleansConfigurationException wrong)
        {
            return ConsoleText.Complain(SettingsException.From(wrong).Message, ExitCodes.WrongSettings);
        }
        catch (StartException failure)
        {
            return ConsoleText.Complain(failure.Message, ExitCodes.NotStarted);
        }
#pragma warning disable CA1031 // An operator wants its message; what led to it was logged.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            return ConsoleText.Complain($"the silo failed: {ConsoleText.Describe(failure)}", ExitCodes.Failed);
        }
    }

    private static async Task StartAsync(WebApplication application, CancellationToken cancellationToken)
    {
        var services = application.Services;
        ListenCheck.Run(services.GetRequiredService<SiloHostOptions>());
        try
        {
            await application.StartAsync(cancellationToken);
        }
        catch (Exception failure) when (failure is not OrleansConfigurationException)
        {
            throw new StartException($"the silo did not start: {ConsoleText.Describe(failure)}");
        }

        services.GetRequiredService<StartLog>().Started = true;
    }
}

/// <summary>The silo did not start; the message says why, for an operator.</summary>
internal sealed class StartException(string message) : Exception(message);
