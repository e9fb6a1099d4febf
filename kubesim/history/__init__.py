"""The one record of a run: everything else (text, tables, pictures, traces, verdicts) is a fold over it."""
