"""How a simulated container behaves: interpreted ``sh``, declared steps, and visible assumptions about the rest."""
