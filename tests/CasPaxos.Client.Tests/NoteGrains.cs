namespace CasPaxos.Client.Tests;

/// <summary>A grain with a text that is stored.</summary>
public interface INoteGrain : IGrain
{
    Task<(string Text, bool Exists)> GetAsync();

    Task SetAsync(string text);

    Task ClearAsync();
}

/// <summary>Keys that are texts.</summary>
public interface ITextNoteGrain : INoteGrain, IGrainWithStringKey;

/// <summary>Keys that are integers.</summary>
public interface IIntegerNoteGrain : INoteGrain, IGrainWithIntegerKey;

/// <summary>Keys that are integers and a text.</summary>
public interface IIntegerCompoundNoteGrain : INoteGrain, IGrainWithIntegerCompoundKey;

/// <summary>Keys that are Guids.</summary>
public interface IGuidNoteGrain : INoteGrain, IGrainWithGuidKey;

/// <summary>Keys that are Guids and a text.</summary>
public interface IGuidCompoundNoteGrain : INoteGrain, IGrainWithGuidCompoundKey;

/// <summary>What a note holds.</summary>
[GenerateSerializer]
public sealed record Note
{
    [Id(0)]
    public string Text { get; set; } = "fresh";
}

internal abstract class NoteGrain(IPersistentState<Note> state) : Grain, INoteGrain
{
    public Task<(string Text, bool Exists)> GetAsync() => Task.FromResult((state.State.Text, state.RecordExists));

    public Task SetAsync(string text)
    {
        state.State.Text = text;
        return state.WriteStateAsync();
    }

    public Task ClearAsync() => state.ClearStateAsync();
}

internal sealed class TextNoteGrain([PersistentState("text")] IPersistentState<Note> state)
    : NoteGrain(state), ITextNoteGrain;

internal sealed class IntegerNoteGrain([PersistentState("note")] IPersistentState<Note> state)
    : NoteGrain(state), IIntegerNoteGrain;

internal sealed class IntegerCompoundNoteGrain([PersistentState("note")] IPersistentState<Note> state)
    : NoteGrain(state), IIntegerCompoundNoteGrain;

internal sealed class GuidNoteGrain([PersistentState("note")] IPersistentState<Note> state)
    : NoteGrain(state), IGuidNoteGrain;

internal sealed class GuidCompoundNoteGrain([PersistentState("note")] IPersistentState<Note> state)
    : NoteGrain(state), IGuidCompoundNoteGrain;
