"""The shell: plain state objects on a virtual clock that ask the pure rooms, act, wait and record.

The only room that imports simpy. Nothing polls: each object computes the next instant at which something can differ.
"""
