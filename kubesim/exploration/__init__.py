"""Many runs, one answer: sweeps over parameters and seeds, and the search for counter-examples."""
