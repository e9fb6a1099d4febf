"""Comparing a simulated trace with a recorded one: four levels, from the outcome to the instants."""
