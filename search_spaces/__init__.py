"""Search spaces that ship with nassim, each written against its public interface alone."""
