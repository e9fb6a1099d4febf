"""What people and tools read: text, tables, traces, all made from a history and from nothing else."""
