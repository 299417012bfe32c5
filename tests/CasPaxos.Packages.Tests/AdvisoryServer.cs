using System.Net;
using System.Text;

namespace CasPaxos.Packages.Tests;

/// <summary>A package source that offers advisories by NuGet's protocol, or none at all, and nothing else.</summary>
internal sealed class AdvisoryServer : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Dictionary<string, string> _documents;
    private readonly Task _serving;

    /// <summary>Begins to serve.</summary>
    /// <param name="advisories">As NuGet's vulnerability pages have them: a JSON object; null to offer none.</param>
    public AdvisoryServer(string? advisories)
    {
        var root = $"http://127.0.0.1:{PackageFeed.FreePort()}/";
        Index = $"{root}index.json";
        _documents = new Dictionary<string, string>
        {
            ["/index.json"] = advisories is null
                ? """{ "version": "3.0.0", "resources": [] }"""
                : $$"""
                  { "version": "3.0.0", "resources": [
                      { "@id": "{{root}}advisories.json", "@type": "VulnerabilityInfo/6.7.0" } ] }
                  """,
            ["/advisories.json"] = $$"""
                [ { "@name": "all", "@id": "{{root}}all.json", "@updated": "2026-01-01T00:00:00Z" } ]
                """,
            ["/all.json"] = advisories ?? "{}",
        };
        _listener.Prefixes.Add(root);
        _listener.Start();
        _serving = Task.Run(ServeAsync);
    }

    /// <summary>The address of the source.</summary>
    public string Index { get; }

    /// <summary>Stops it.</summary>
    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _serving;
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            HttpListenerContext request;
            try
            {
                request = await _listener.GetContextAsync();
            }
            catch (Exception closed) when (closed is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            var found = _documents.TryGetValue(request.Request.Url!.AbsolutePath, out var document);
            request.Response.StatusCode = found ? 200 : 404;
            request.Response.Close(Encoding.UTF8.GetBytes(document ?? ""), willBlock: false);
        }
    }
}
