using System.Globalization;
using System.Runtime.CompilerServices;
using CasPaxos.Registers;
using Microsoft.Extensions.DependencyInjection;

namespace CasPaxos.Orleans;

/// <summary>Registers from <see cref="IGrainFactory"/> and <see cref="IClusterClient"/>.</summary>
/// <remarks>
/// A register has the text of its id as its key, whatever the type of the id: those of <c>42</c> and of <c>"42"</c> are
/// one register. A Guid is written as <c>xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx</c>, in lower case.
/// </remarks>
public static class RegisterGrainFactoryExtensions
{
    private static readonly ConditionalWeakTable<IGrainFactory, IRegisterClient> Clients = new();

    /// <param name="grains">The cluster.</param>
    extension(IGrainFactory grains)
    {
        /// <summary>
        /// Untyped registers: the client that was added to the services, or one with the default options.
        /// </summary>
        public IRegisterClient GetRegisterClient()
        {
            ArgumentNullException.ThrowIfNull(grains);
            return Clients.GetValue(grains, static factory =>
                (factory as IClusterClient)?.ServiceProvider.GetService<IRegisterClient>()
                ?? new GrainRegisterClient(factory));
        }

        /// <summary>The register of a string, with values of one type.</summary>
        /// <param name="id">1 to 1,024 bytes of UTF-8.</param>
        /// <param name="serializer">Turns values into bytes; null for JSON.</param>
        /// <exception cref="ArgumentException">No register can have this id.</exception>
        public Register<T> GetRegister<T>(string id, IRegisterSerializer<T>? serializer = null) =>
            grains.GetRegisterClient().Register(new RegisterKey(id), serializer);

        /// <summary>The register of a Guid, with values of one type.</summary>
        public Register<T> GetRegister<T>(Guid id, IRegisterSerializer<T>? serializer = null) =>
            grains.GetRegister(id.ToString("D"), serializer);

        /// <summary>The register of an integer, with values of one type.</summary>
        public Register<T> GetRegister<T>(long id, IRegisterSerializer<T>? serializer = null) =>
            grains.GetRegister(id.ToString(CultureInfo.InvariantCulture), serializer);
    }
}
