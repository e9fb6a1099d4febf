"""Recording what a real cluster does with a scenario, through its API, as a trace that ``kubesim conform`` reads."""
