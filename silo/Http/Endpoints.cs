using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace CasPaxos.Silo;

/// <summary>Puts the HTTP API and the health checks in their places.</summary>
internal static class Endpoints
{
    public static void Map(WebApplication application)
    {
        var token = application.Services.GetRequiredService<BearerToken>();
        var api = application.Services.GetRequiredService<RegisterApi>();
        var health = application.Services.GetRequiredService<HealthCheckService>();

        application.Use((context, next) =>
            Stranger(context.Request) is { } origin
                ? Answers.ForbiddenAsync(context, $"'{origin}' is another site: its pages may not call this one.")
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

    /// <summary>The site whose page lets a browser send the request; null if there is none, or this one.</summary>
    private static string? Stranger(HttpRequest request)
    {
        var origin = request.Headers.Origin.ToString();
        return origin.Length == 0
            || string.Equals(origin, $"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase)
                ? null
                : origin;
    }
}
