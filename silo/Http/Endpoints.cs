using System.Net;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace CasPaxos.Silo;

/// <summary>Puts the HTTP API and the health checks in their places.</summary>
internal static class Endpoints
{
    public static void Map(WebApplication application)
    {
        var token = application.Services.GetRequiredService<BearerToken>();
        var api = application.Services.GetRequiredService<RegisterApi>();
        var health = application.Services.GetRequiredService<HealthCheckService>();

        var hosts = application.Services.GetRequiredService<IOptions<HostFilteringOptions>>().Value.AllowedHosts;
        var anyHost = hosts is null || hosts.Contains("*");
        application.Use((context, next) => FindStranger(context.Request, anyHost && token.AdmitsAll) is { } problem
            ? Answers.ForbiddenAsync(context, problem)
            : next(context));

        // By the raw target, also for the decision who may pass: a path that is a health check only after its dots are
        // resolved is a register here.
        application.Use((context, next) =>
            !RegisterPath.TryParse(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, out var path)
                ? next(context)
            : token.Admits(context.Request)
                ? api.HandleAsync(context, path)
                : Answers.UnauthorizedAsync(context));

        application.MapGet("/health/live", async (HttpContext context) =>
        {
            var report = await health.CheckHealthAsync(
                check => check.Tags.Contains(CasPaxosHealthChecksBuilderExtensions.LiveTag), context.RequestAborted);
            var live = report.Status != HealthStatus.Unhealthy;
            return Results.Json(
                new { live }, statusCode: live ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
        });
        application.MapGet("/health/ready", async (HttpContext context) =>
        {
            var report = ReadinessReport.Of(
                await health.CheckHealthAsync(
                    check => check.Tags.Contains(CasPaxosHealthChecksBuilderExtensions.ReadyTag),
                    context.RequestAborted),
                application.Lifetime.ApplicationStopping.IsCancellationRequested);
            var status = report.Ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
            return token.Admits(context.Request)
                ? Results.Json(report, statusCode: status)
                : Results.Json(new { report.Ready }, statusCode: status); // A probe needs no more.
        });
    }

    /// <summary>Why a browser may send the request for a page of another site; null if it cannot.</summary>
    /// <param name="request">The request.</param>
    /// <param name="onlyAddresses">True where any name, also one of an attacker, could point here.</param>
    internal static string? FindStranger(HttpRequest request, bool onlyAddresses)
    {
        var (origin, host) = (request.Headers.Origin.ToString(), request.Host.Host);
        if (origin.Length > 0
            && !string.Equals(origin, $"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase))
        {
            return $"'{origin}' is another site: its pages may not call this one.";
        }

        var isOurs = !onlyAddresses
            || IPAddress.TryParse(host, out _)
            || host.Equals("localhost", StringComparison.OrdinalIgnoreCase);
        return isOurs
            ? null
            : $"Call this silo by an IP address, or name '{host}' in AllowedHosts: without a token a page of another " +
                "site could call it by a name of its own.";
    }
}
