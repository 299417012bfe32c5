using System.Buffers;
using System.Globalization;
using CasPaxos.Orleans;
using CasPaxos.Registers;
using Microsoft.Extensions.Options;

namespace CasPaxos.Silo;

/// <summary>Registers for callers without .NET.</summary>
#pragma warning disable CA1001 // The semaphore holds nothing to give back: its wait handle is never asked for.
internal sealed class RegisterApi(
    IRegisterClient registers, ClientKeys keys, IOptions<CasPaxosOptions> options, SiloHostOptions host)
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim _listings = new(host.HttpListingsMax);

    private int ValueBytesMax => options.Value.ValueBytesMax;

    /// <summary>Carries a request out and answers it.</summary>
    public async Task HandleAsync(HttpContext context, RegisterPath path)
    {
        try
        {
            await (path.EscapedKey is null ? ListAsync(context) : RouteAsync(context, path));
        }
        catch (BadRequestException wrong)
        {
            await Answers.BadRequestAsync(context, wrong.Message);
        }
        catch (ArgumentException wrong)
        {
            // Without the name of the parameter, which Message ends with.
            var parameter = wrong.ParamName is { } name ? $" (Parameter '{name}')" : "";
            await Answers.BadRequestAsync(context, wrong.Message[..^parameter.Length]);
        }
        catch (UnauthorizedAccessException forbidden)
        {
            await Answers.ForbiddenAsync(context, forbidden.Message);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to hear what became of it.
        }
    }

    private Task RouteAsync(HttpContext context, RegisterPath path)
    {
        var method = context.Request.Method;
        if (HttpMethods.IsPost(method))
        {
            var (register, action) = path.SplitAction();
            return action switch
            {
                "increment" => IncrementAsync(context, Admitted(register)),
                "append" => AppendAsync(context, Admitted(register)),
                _ => throw new BadRequestException("POST takes /registers/{key}/increment or /registers/{key}/append."),
            };
        }

        var key = Admitted(path);
        return HttpMethods.IsGet(method) || HttpMethods.IsHead(method) ? GetAsync(context, key)
            : HttpMethods.IsPut(method) ? PutAsync(context, key)
            : HttpMethods.IsDelete(method) ? DeleteAsync(context, key)
            : Answers.NotAllowedAsync(context, "GET, HEAD, PUT, DELETE, POST");
    }

    private RegisterKey Admitted(RegisterPath path)
    {
        var key = path.ToKey();
        keys.Admit(key.Text);
        return key;
    }

    private async Task GetAsync(HttpContext context, RegisterKey key)
    {
        var conditions = Preconditions.Of(context.Request);
        var outcome = await ReadAsync(context, key);
        if (outcome is not Outcome.Applied { Current: var current })
        {
            await Answers.FailureAsync(context, outcome, ValueBytesMax);
            return;
        }

        var response = context.Response;
        Answers.SetETag(response, current.ETag);
        if (conditions.Match is { } match && !match.Contains(current.ETag))
        {
            var refused = new Outcome.Refused(RefusalReason.ETagMismatch, current);
            await Answers.FailureAsync(context, refused, ValueBytesMax);
        }
        else if (!current.Exists)
        {
            await Answers.NotFoundAsync(context);
        }
        else if (conditions.MustBeAbsent || conditions.NoneMatch?.Contains(current.ETag) == true)
        {
            response.StatusCode = StatusCodes.Status304NotModified;
        }
        else
        {
            response.ContentType = "application/octet-stream";
            response.ContentLength = current.Payload.Length;
            response.Headers.CacheControl = "no-cache"; // A cache must ask whether its ETag still holds.
            response.Headers.XContentTypeOptions = "nosniff";
            if (HttpMethods.IsGet(context.Request.Method))
            {
                await response.Body.WriteAsync(current.Payload, context.RequestAborted);
            }
        }
    }

    private Task<Outcome> ReadAsync(HttpContext context, RegisterKey key)
    {
        var request = context.Request;
        var isSealed = request.Query["read"] switch
        {
            [] => false,
            ["sealed"] => true,
            var other => throw new BadRequestException($"read is '{other}'; it can be sealed, or be left out."),
        };
        if (!Flag(request, "stale"))
        {
            return isSealed
                ? registers.GetSealedAsync(key, context.RequestAborted)
                : registers.GetAsync(key, context.RequestAborted);
        }

        return isSealed
            ? throw new BadRequestException("stale asks nobody and read=sealed asks all slots: give one of them.")
            : registers.ReadPossiblyStaleAsync(key, context.RequestAborted);
    }

    private async Task PutAsync(HttpContext context, RegisterKey key)
    {
        var conditions = Preconditions.Of(context.Request);
        var expected = conditions.Expected();
        if (conditions.NoneMatch is not null || (conditions.MustBeAbsent && expected is not null))
        {
            throw new BadRequestException("PUT takes If-Match with one ETag, or If-None-Match: *, or neither.");
        }

        var body = await ReadBodyAsync(context);
        await WriteAsync(
            context,
            key,
            conditions.MustBeAbsent ? new Change.Create(body)
                : expected is { } etag ? new Change.CompareAndSwap(etag, body)
                : new Change.Put(body));
    }

    private async Task AppendAsync(HttpContext context, RegisterKey key)
    {
        Preconditions.Of(context.Request).RefuseAny("append");
        await WriteAsync(context, key, new Change.Append(await ReadBodyAsync(context)));
    }

    private async Task WriteAsync(HttpContext context, RegisterKey key, Change change)
    {
        var outcome = await ExecuteAsync(context, key, change);
        if (outcome is not Outcome.Applied applied)
        {
            await Answers.FailureAsync(context, outcome, ValueBytesMax);
            return;
        }

        context.Response.StatusCode = applied.Created ? StatusCodes.Status201Created : StatusCodes.Status204NoContent;
    }

    private async Task DeleteAsync(HttpContext context, RegisterKey key)
    {
        var conditions = Preconditions.Of(context.Request);
        conditions.RefuseNoneMatch("DELETE");
        var expected = conditions.Expected();
        var outcome = await ExecuteAsync(
            context, key, new Change.Delete(expected, registers.Time.GetUtcNow().ToUnixTimeMilliseconds()));
        if (outcome is Outcome.Applied)
        {
            context.Response.Headers.Remove("ETag"); // Of the tombstone, which nobody can ask for.
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        if (expected is not null && outcome is Outcome.Refused { Reason: RefusalReason.Absent } absent)
        {
            outcome = absent with { Reason = RefusalReason.ETagMismatch };
        }

        await Answers.FailureAsync(context, outcome, ValueBytesMax);
    }

    private async Task IncrementAsync(HttpContext context, RegisterKey key)
    {
        Preconditions.Of(context.Request).RefuseAny("increment");
        var by = Number(context.Request, "by", 1, long.MinValue, long.MaxValue);
        var outcome = await ExecuteAsync(context, key, new Change.Increment(by));
        if (outcome is not Outcome.Applied applied)
        {
            await Answers.FailureAsync(context, outcome, ValueBytesMax);
            return;
        }

        context.Response.ContentType = "text/plain";
        context.Response.ContentLength = applied.Current.Payload.Length;
        await context.Response.Body.WriteAsync(applied.Current.Payload, context.RequestAborted);
    }

    private async Task ListAsync(HttpContext context)
    {
        var request = context.Request;
        if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
        {
            await Answers.NotAllowedAsync(context, "GET, HEAD");
            return;
        }

        var limit = (int)Number(request, "limit", ListQuery.LimitDefault, 1, RegisterPage.Max);
        var after = request.Query["after"] is [{ Length: > 0 } text] ? new RegisterKey(text) : default(RegisterKey?);
        keys.Admit(request.Query["prefix"].ToString());
        var query = new ListQuery(request.Query["prefix"].ToString()) { After = after, Limit = limit };
        if (!_listings.Wait(0))
        {
            await Answers.TooManyAsync(
                context, $"{host.HttpListingsMax} listings are under way at this silo. Try again later, or another.");
            return;
        }

        RegisterPage page;
        try
        {
            page = keys.Admitted(await registers.ListAsync(query, context.RequestAborted));
        }
        catch (RegisterGrainException failure)
        {
            await Answers.UnavailableAsync(context, failure.Message);
            return;
        }
        finally
        {
            _listings.Release();
        }

        await Answers.WriteAsync(context, StatusCodes.Status200OK, new
        {
            registers = page.Registers.Select(one => new { key = one.Key.Text, etag = one.ETag.ToString() }),
            unreadable = page.Unreadable.Select(one => new { key = one.Key.Text, problem = one.Problem }),
            next = page.Next?.Text,
        });
    }

    /// <summary>Applies a change under the caller's id, or one of ours, and says in the headers which it was.</summary>
    private async Task<Outcome> ExecuteAsync(HttpContext context, RegisterKey key, Change change)
    {
        var operation = ToOperation(context.Request, change);
        var outcome = await registers.ExecuteAsync(key, operation, timeout: null, context.RequestAborted);
        var headers = context.Response.Headers;
        headers[Answers.OperationId] = operation.Id.ToString();
        if (outcome is Outcome.Applied applied)
        {
            Answers.SetETag(context.Response, applied.ETag);
            if (applied.Recovered)
            {
                headers[Answers.OperationRecovered] = "true";
            }
        }

        return outcome;
    }

    private static Operation ToOperation(HttpRequest request, Change change)
    {
        var id = request.Headers[Answers.OperationId];
        var since = request.Headers[Answers.OperationSince];
        if (id.Count == 0)
        {
            return since.Count == 0
                ? new Operation(new OperationId(Guid.NewGuid()), change)
                : throw new BadRequestException($"{Answers.OperationSince} needs an {Answers.OperationId} beside it.");
        }

        if (id is not [var idText] || !Guid.TryParse(idText, out var parsedId) || parsedId == Guid.Empty)
        {
            throw new BadRequestException($"{Answers.OperationId} is not 128 random bits in hexadecimal, as a GUID.");
        }

        ETag? parsedSince = null;
        if (since.Count > 0)
        {
            parsedSince = since is [var sinceText] && ETag.TryParse(sinceText?.Trim('"'), out var position)
                ? position
                : throw new BadRequestException(
                    $"{Answers.OperationSince} is neither an ETag nor 'absent': it is what the first answer told.");
        }

        return new Operation(new OperationId(parsedId), change, parsedSince);
    }

    private async Task<byte[]> ReadBodyAsync(HttpContext context)
    {
        var request = context.Request;
        if (request.ContentLength > ValueBytesMax)
        {
            throw new BadRequestException(
                $"A value of {request.ContentLength} bytes is over the limit of {ValueBytesMax} bytes.");
        }

        // Memory is taken as the bytes come: a caller that announces much and sends little holds little.
        var reader = request.BodyReader;
        var read = await reader.ReadAsync(context.RequestAborted);
        while (!read.IsCompleted && read.Buffer.Length <= ValueBytesMax)
        {
            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            read = await reader.ReadAsync(context.RequestAborted);
        }

        if (read.Buffer.Length > ValueBytesMax)
        {
            throw new BadRequestException($"A value is over the limit of {ValueBytesMax} bytes.");
        }

        var body = read.Buffer.ToArray();
        reader.AdvanceTo(read.Buffer.End);
        return body;
    }

    private static bool Flag(HttpRequest request, string name) => request.Query[name] switch
    {
        [] => false,
        ["true"] => true,
        ["false"] => false,
        _ => throw new BadRequestException($"{name} is neither true nor false."),
    };

    private static long Number(HttpRequest request, string name, long absent, long min, long max) =>
        request.Query[name] switch
        {
            [] => absent,
            [var text] when long.TryParse(
                text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
                && number >= min && number <= max => number,
            _ => throw new BadRequestException($"{name} is not a number of {min} to {max}."),
        };
}
