"""The commands of ``kubesim``: parsing and printing, nothing else. What is slow to import is imported late."""
