using System.IO.Pipelines;
using CasPaxos.Orleans;
using CasPaxos.Registers;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace CasPaxos.Silo.Tests;

/// <summary>Memory is taken as the bytes of a body come, and not as they are announced.</summary>
[Collection(AloneCollection.Name)]
public sealed class HttpBodyTests
{
    private const int Callers = 500;

    private readonly RegisterApi _api;

    public HttpBodyTests()
    {
        var configuration = Configuration.Majority(Guid.NewGuid(), 1, [Guid.NewGuid()]);
        var options = Options.Create(new CasPaxosOptions());
        _api = new RegisterApi(
            new RegisterClient(configuration, [new MemoryAcceptor()]),
            new ClientKeys(options, []),
            options,
            new SiloHostOptions());
    }

    [Fact]
    public async Task Bodies_that_are_announced_and_do_not_come_take_no_memory()
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);

        var slow = Enumerable.Range(0, Callers).Select(i => Put($"slow{i}", announced: 1024 * 1024)).ToList();
        foreach (var (_, _, body) in slow)
        {
            await body.Writer.WriteAsync(new byte[100]);
        }

        var taken = GC.GetTotalMemory(forceFullCollection: true) - before;
        foreach (var (_, _, body) in slow)
        {
            await body.Writer.CompleteAsync();
        }

        await Task.WhenAll(slow.Select(one => one.Handling));
        Assert.InRange(taken, 0, Callers * 100 * 1024L); // They had announced ten times as much.
        Assert.All(slow, one => Assert.Equal(StatusCodes.Status201Created, one.Context.Response.StatusCode));
    }

    [Theory]
    [InlineData(0, StatusCodes.Status201Created)]
    [InlineData(1024 * 1024, StatusCodes.Status201Created)]
    [InlineData((1024 * 1024) + 1, StatusCodes.Status400BadRequest)]
    public async Task A_body_whose_length_was_not_announced_may_be_as_long_as_a_value(int bytes, int status)
    {
        var (handling, context, body) = Put("unannounced", announced: null);

        await body.Writer.WriteAsync(new byte[bytes]);
        await body.Writer.CompleteAsync();
        await handling;

        Assert.Equal(status, context.Response.StatusCode);
    }

    private (Task Handling, HttpContext Context, Pipe Body) Put(string key, long? announced)
    {
        var body = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        var context = new DefaultHttpContext();
        context.Request.Method = HttpMethods.Put;
        context.Request.ContentLength = announced;
        context.Request.Body = body.Reader.AsStream();
        Assert.True(RegisterPath.TryParse($"/registers/{key}", out var path));
        return (_api.HandleAsync(context, path), context, body);
    }
}

/// <summary>Tests that look at the memory of the process, with no other beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}
