using Microsoft.Net.Http.Headers;

namespace CasPaxos.Silo;

/// <summary>Writes answers: exactly what is known, in the words of HTTP.</summary>
internal static class Answers
{
    /// <summary>Names the operation, in requests and in answers; the same for all retries.</summary>
    public const string OperationId = "Operation-Id";

    /// <summary>Where the register stood before the operation was first tried; makes a request a retry.</summary>
    public const string OperationSince = "Operation-Since";

    /// <summary>In an answer: an earlier try had applied the operation.</summary>
    public const string OperationRecovered = "Operation-Recovered";

    public static void SetETag(HttpResponse response, ETag etag)
    {
        // A register that is absent has no representation, and so no tag.
        if (!etag.IsAbsent)
        {
            response.Headers.ETag = $"\"{etag}\"";
        }
    }

    public static Task BadRequestAsync(HttpContext context, string message) =>
        WriteAsync(context, StatusCodes.Status400BadRequest, new { error = "bad-request", message });

    public static Task NotFoundAsync(HttpContext context) =>
        WriteAsync(context, StatusCodes.Status404NotFound, new { error = "absent" });

    public static Task NotAllowedAsync(HttpContext context, string methods)
    {
        context.Response.Headers[HeaderNames.Allow] = methods;
        return WriteAsync(context, StatusCodes.Status405MethodNotAllowed, new { error = "method-not-allowed" });
    }

    public static Task UnauthorizedAsync(HttpContext context)
    {
        context.Response.Headers.WWWAuthenticate = "Bearer";
        return WriteAsync(context, StatusCodes.Status401Unauthorized, new { error = "unauthorized" });
    }

    public static Task ForbiddenAsync(HttpContext context, string message) =>
        WriteAsync(context, StatusCodes.Status403Forbidden, new { error = "forbidden", message });

    public static Task UnavailableAsync(HttpContext context, string message) =>
        LaterAsync(context, StatusCodes.Status503ServiceUnavailable, "unavailable", message);

    public static Task TooManyAsync(HttpContext context, string message) =>
        LaterAsync(context, StatusCodes.Status429TooManyRequests, "too-many", message);

    /// <summary>What is not a success.</summary>
    public static Task FailureAsync(HttpContext context, Outcome outcome, long valueBytesMax)
    {
        switch (outcome)
        {
            case Outcome.Refused refused:
                return RefusedAsync(context, refused, valueBytesMax);
            case Outcome.Unavailable unavailable:
                return UnavailableAsync(context, unavailable.Reason);
            case Outcome.Unknown unknown:
                context.Response.Headers[OperationId] = unknown.Id.ToString();
                context.Response.Headers[OperationSince] = $"\"{unknown.Since}\"";
                return WriteAsync(context, StatusCodes.Status504GatewayTimeout, new
                {
                    error = "unknown",
                    message = $"It may be applied, now or later. {unknown.Reason} Send it again with these as " +
                        $"{OperationId} and {OperationSince}: it is never applied twice.",
                    operationId = unknown.Id.ToString(),
                    since = unknown.Since.ToString(),
                });
            case Outcome.Faulted:
                return WriteAsync(context, StatusCodes.Status500InternalServerError, new { error = "faulted" });
            default:
                throw new System.Diagnostics.UnreachableException($"{outcome} is a success.");
        }
    }

    public static Task WriteAsync(HttpContext context, int status, object body)
    {
        context.Response.StatusCode = status;
        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : context.Response.WriteAsJsonAsync(body, body.GetType(), context.RequestAborted);
    }

    private static Task LaterAsync(HttpContext context, int status, string error, string message)
    {
        context.Response.Headers.RetryAfter = "1";
        return WriteAsync(context, status, new { error, message });
    }

    private static Task RefusedAsync(HttpContext context, Outcome.Refused refused, long valueBytesMax)
    {
        var current = refused.Current.ETag;
        SetETag(context.Response, current);
        var (status, message) = refused.Reason switch
        {
            RefusalReason.Exists => (StatusCodes.Status412PreconditionFailed, "The register exists."),
            RefusalReason.ETagMismatch =>
                (StatusCodes.Status412PreconditionFailed, "The register is not at the expected ETag."),
            RefusalReason.Absent => (StatusCodes.Status404NotFound, "The register does not exist."),
            RefusalReason.NotANumber =>
                (StatusCodes.Status409Conflict, "The value is not a 64-bit number in decimal digits."),
            RefusalReason.Overflow => (StatusCodes.Status409Conflict, "The sum is not a 64-bit number."),
            RefusalReason.TooLarge =>
                (StatusCodes.Status409Conflict, $"The value would be over the limit of {valueBytesMax} bytes."),
            _ => (StatusCodes.Status409Conflict, "The register does not allow it."),
        };
        message = refused.Recovered ? "An earlier try was refused, and so no other takes effect." : message;
        return WriteAsync(context, status, new
        {
            error = "refused",
            reason = refused.Reason.ToString(),
            message,
            etag = current.IsAbsent ? null : current.ToString(),
        });
    }
}
