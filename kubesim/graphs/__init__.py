"""Graphs of a run and of a manifest: what happened because of what, who waits for whom, which moves there are."""
