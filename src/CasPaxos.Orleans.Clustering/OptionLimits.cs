using Microsoft.Extensions.Options;

namespace CasPaxos.Orleans;

/// <summary>Limits of settings, in the words of every message about one.</summary>
internal static class OptionLimits
{
    /// <param name="errors">Where what is wrong is told.</param>
    extension(ValidateOptionsResultBuilder errors)
    {
        public void Within(long value, long min, long max, string name)
        {
            if (value < min || value > max)
            {
                errors.AddError($"{value} is outside {min} to {max}.", name);
            }
        }

        public void Within(TimeSpan value, TimeSpan min, TimeSpan max, string name)
        {
            if (value < min || value > max)
            {
                errors.AddError($"{value} is outside {min} to {max}.", name);
            }
        }

        public void AboveZero(TimeSpan value, TimeSpan max, string name)
        {
            if (value <= TimeSpan.Zero || value > max)
            {
                errors.AddError($"{value} is outside (0 s, {max}].", name);
            }
        }

        public void NotBelowZero(TimeSpan value, string name)
        {
            if (value < TimeSpan.Zero)
            {
                errors.AddError($"{value} is below 0.", name);
            }
        }
    }
}
