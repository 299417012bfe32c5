using Orleans.Storage;
using static CasPaxos.Orleans.Storage.Tests.Storages;

namespace CasPaxos.Orleans.Storage.Tests;

/// <summary>Every sequence of four operations on two states ends as a model of three lines says.</summary>
public sealed class ModelTests
{
    private const int Keys = 2;

    /// <summary>Which ETag an operation is given.</summary>
    private enum Given
    {
        None,
        Current,
        Stale,
    }

    private enum Kind
    {
        Read,
        Write,
        Clear,
    }

    private static readonly (Kind Kind, Given Given)[] Operations =
    [
        (Kind.Read, Given.Stale),
        (Kind.Write, Given.None), (Kind.Write, Given.Current), (Kind.Write, Given.Stale),
        (Kind.Clear, Given.None), (Kind.Clear, Given.Current), (Kind.Clear, Given.Stale),
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Every_sequence_of_four_operations_on_two_states_ends_as_the_model_says(bool delete)
    {
        var storage = new MemoryCluster().Storage(options => options.DeleteStateOnClear = delete);

        Assert.Equal(19_208, await RunAllAsync(storage, depth: 4, delete));
    }

    /// <summary>Runs all sequences of a length, and returns how many those are.</summary>
    internal static async Task<int> RunAllAsync(IGrainStorage storage, int depth, bool delete)
    {
        // The first operation is on the first key: on the other one, the same would be tried once more.
        var sequences = Operations.Length * (int)Math.Pow(Operations.Length * Keys, depth - 1);
        var options = new ParallelOptions { MaxDegreeOfParallelism = 32 };
        await Parallel.ForAsync(
            0, sequences, options, async (sequence, _) => await RunAsync(storage, sequence, depth, delete));
        return sequences;
    }

    private static async Task RunAsync(IGrainStorage storage, int sequence, int depth, bool delete)
    {
        var models = new[] { new Model(NewGrain()), new Model(NewGrain()) };
        var rest = sequence;
        var told = new List<string>();
        for (var step = 0; step < depth; step++)
        {
            var choice = rest % (Operations.Length * (step == 0 ? 1 : Keys));
            rest /= Operations.Length * (step == 0 ? 1 : Keys);
            var key = choice / Operations.Length;
            var (kind, given) = Operations[choice % Operations.Length];
            told.Add($"{kind} {key} {given}");

            var difference = await models[key].StepAsync(storage, kind, given, $"{sequence}/{step}", delete);

            Assert.True(difference is null, $"{string.Join(", ", told)}: {difference}");
        }
    }

    /// <summary>What a state ought to be: text, ETag and all ETags that it ever had.</summary>
    private sealed class Model(GrainId grain)
    {
        private readonly List<string> _had = ["7-0000000000000000000000000000000f"];
        private string? _text;
        private string? _etag;

        public async Task<string?> StepAsync(IGrainStorage storage, Kind kind, Given given, string text, bool delete)
        {
            var etag = given switch
            {
                Given.None => null,
                Given.Current => _etag,
                _ => _had.Last(one => one != _etag),
            };
            var state = NewState(text, etag);
            var failure = await Record.ExceptionAsync(() => kind switch
            {
                Kind.Read => storage.ReadAsync(grain, state),
                Kind.Write => storage.WriteAsync(grain, state),
                _ => storage.ClearAsync(grain, state),
            });

            if (kind != Kind.Read && etag != _etag)
            {
                return failure is InconsistentStateException { StoredEtag: var stored, CurrentEtag: var current }
                    && stored == _etag && current == etag && state.ETag == etag && state.State!.Text == text
                    ? null
                    : $"no conflict of {etag} with {_etag}, but {state.ETag} and {failure}";
            }

            Become(kind, text, state.ETag, delete);
            var expected = (_text ?? new TestState().Text, _etag, _text is not null);
            var actual = (state.State!.Text, state.ETag, state.RecordExists);
            return failure is null && actual == expected ? null : $"{actual}, not {expected}. {failure}";
        }

        private void Become(Kind kind, string text, string? etag, bool delete)
        {
            if (kind == Kind.Read)
            {
                return; // As it was.
            }

            _text = kind == Kind.Write ? text : null;
            _etag = kind == Kind.Clear && delete ? null : etag;
            if (_etag is not null)
            {
                Assert.DoesNotContain(_etag, _had);
                _had.Add(_etag);
            }
        }
    }
}
