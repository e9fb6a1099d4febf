"""What the Job controller decides: pure functions over a Job, its pods and what the controller remembers.

``sync_job`` is one whole sync; ``sync.py`` says how the shell carries it out step by step when writes can fail.
"""
