"""One module per vector family: ``run(vector, version)`` gives kubesim's output in the vectors' format."""
