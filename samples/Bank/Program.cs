using System.Globalization;
using Bank;
using Orleans.Configuration;

var builder = WebApplication.CreateBuilder(args);
var databases = builder.Configuration.GetSection("Databases").Get<string[]>() ?? [];

builder.Host.UseOrleans(silo =>
{
    silo.Configure<ClusterOptions>(options => options.ClusterId = options.ServiceId = "bank");
    silo.ConfigureEndpoints(
        "localhost", Port("SiloPort"), Port("GatewayPort"), System.Net.Sockets.AddressFamily.InterNetwork);

    // How soon a silo that died is noticed, and its grains are made elsewhere.
    silo.Configure<ClusterMembershipOptions>(options =>
    {
        options.ProbeTimeout = TimeSpan.FromSeconds(1);
        options.NumMissedProbesLimit = 2;
    });

    // All that differs from an application on Orleans' ADO.NET providers: three databases instead of one.
    silo.UseCasPaxosClustering(options => databases.ToList().ForEach(options.ConnectionStrings.Add));
    silo.AddCasPaxosGrainStorageAsDefault(options => databases.ToList().ForEach(options.ConnectionStrings.Add));
});

var app = builder.Build();

app.MapGet("/accounts/{owner}", (IGrainFactory grains, string owner) =>
    grains.GetGrain<IAccountGrain>(owner).BalanceAsync());

// Under the same id a deposit or transfer is made once, however often it is asked for.
app.MapPut("/accounts/{owner}/deposits/{id:guid}", (IGrainFactory grains, string owner, Guid id, long amount) =>
    grains.GetGrain<IAccountGrain>(owner).DepositAsync(id, amount));

app.MapPut("/transfers/{id:guid}", (IGrainFactory grains, Guid id, string from, string to, long amount) =>
    grains.GetGrain<ITransferGrain>(id).RunAsync(from, to, amount));

await app.RunAsync();

int Port(string name) => int.Parse(
    builder.Configuration[name] ?? throw new InvalidOperationException($"{name} is not set."),
    CultureInfo.InvariantCulture);
