using System.Reflection;
using System.Runtime.Loader;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace CasPaxos.Simulation;

/// <summary>
/// Compiles the core and the engine, with a few words changed, to an assembly that exists in memory only. The shipped
/// code has no switches; what is tested is its own source.
/// </summary>
internal static class MutantCompiler
{
    private const string ImplicitUsings =
        """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    private static readonly CSharpParseOptions Language = new(LanguageVersion.CSharp14);
    private static readonly SortedDictionary<string, string> Sources = ReadSources();
    private static readonly Lazy<CSharpCompilation> Original = new(Compile);

    /// <summary>The source with the patches in it.</summary>
    /// <exception cref="InvalidOperationException">A patch does not fit.</exception>
    public static IReadOnlyDictionary<string, string> Apply(Mutant mutant)
    {
        var changed = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var patch in mutant.Patches)
        {
            var source = changed.GetValueOrDefault(patch.File) ?? Sources.GetValueOrDefault(patch.File)
                ?? throw new InvalidOperationException($"Mutant {mutant.Name}: there is no file '{patch.File}'.");
            var place = source.IndexOf(patch.Old, StringComparison.Ordinal);
            if (place < 0 || source.IndexOf(patch.Old, place + 1, StringComparison.Ordinal) >= 0)
            {
                throw new InvalidOperationException(
                    $"Mutant {mutant.Name}: '{patch.Old}' must stand exactly once in '{patch.File}', and does "
                    + $"{(place < 0 ? "not" : "more often")}. The code has changed; the mutant must follow.");
            }

            changed[patch.File] = source.Remove(place, patch.Old.Length).Insert(place, patch.New);
        }

        return changed;
    }

    /// <summary>The broken assembly, in a context of its own.</summary>
    /// <remarks>
    /// The context stays: the assemblies are small, and a runtime that unloaded them beside running ones has crashed.
    /// </remarks>
    /// <exception cref="InvalidOperationException">A patch does not fit, or what it makes does not compile.</exception>
    public static Assembly Load(Mutant mutant)
    {
        var compilation = Original.Value;
        foreach (var (file, source) in Apply(mutant))
        {
            var old = compilation.SyntaxTrees.First(tree => tree.FilePath == file);
            compilation = compilation.ReplaceSyntaxTree(old, Parse(file, source));
        }

        using var image = new MemoryStream();
        var result = compilation.Emit(image);
        if (!result.Success)
        {
            var errors = result.Diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
            throw new InvalidOperationException(
                $"Mutant {mutant.Name} does not compile: {string.Join("; ", errors.Take(3))}");
        }

        image.Position = 0;
        return new AssemblyLoadContext(mutant.Name).LoadFromStream(image);
    }

    private static CSharpCompilation Compile()
    {
        var trees = new List<SyntaxTree> { Parse("usings.cs", ImplicitUsings) };
        foreach (var (file, source) in Sources)
        {
            trees.Add(Parse(file, source));
        }

        var options = new CSharpCompilationOptions(
            OutputKind.DynamicallyLinkedLibrary,
            optimizationLevel: OptimizationLevel.Release,
            nullableContextOptions: NullableContextOptions.Enable,
            concurrentBuild: false);
        return CSharpCompilation.Create("Mutant", trees, References(), options);
    }

    private static SyntaxTree Parse(string file, string source) =>
        CSharpSyntaxTree.ParseText(source, Language, path: file, encoding: Encoding.UTF8);

    /// <summary>The framework and the checker. Not the core and not this assembly, which are compiled anew.</summary>
    private static IEnumerable<MetadataReference> References()
    {
        var framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        var trusted = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        return trusted
            .Where(path => Path.GetDirectoryName(path) == framework)
            .Append(typeof(Checker.History).Assembly.Location)
            .Select(path => MetadataReference.CreateFromFile(path));
    }

    private static SortedDictionary<string, string> ReadSources()
    {
        var sources = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var assembly = typeof(MutantCompiler).Assembly;
        foreach (var name in assembly.GetManifestResourceNames())
        {
            if (name.EndsWith(".cs", StringComparison.Ordinal))
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
                sources.Add(name, reader.ReadToEnd().ReplaceLineEndings("\n"));
            }
        }

        return sources;
    }
}
