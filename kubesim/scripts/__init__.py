"""How a simulated container behaves: interpreted ``sh``, declared steps, and visible assumptions about the rest."""

from kubesim.scripts.declared import Behaviour, parse_behaviour
from kubesim.scripts.effects import (
    Assumed,
    Effect,
    ExecExited,
    Exited,
    FilesChanged,
    OutOfMemory,
    Output,
    StartFailure,
)
from kubesim.scripts.filesystem import Filesystem, Mount, Volume
from kubesim.scripts.images import image_named
from kubesim.scripts.machine import ContainerSetup, Machine, ProbeAnswer

__all__ = [
    "Assumed",
    "Behaviour",
    "ContainerSetup",
    "Effect",
    "ExecExited",
    "Exited",
    "FilesChanged",
    "Filesystem",
    "Machine",
    "Mount",
    "OutOfMemory",
    "Output",
    "ProbeAnswer",
    "StartFailure",
    "Volume",
    "image_named",
    "parse_behaviour",
]
