"""kubesim: what will the kubelet do to my Pod, on this release, and why?

``load`` a scenario, ``run`` it, read the ``History``; ``plot`` it, ``check`` it against the documented guarantees,
``compare`` it with others, ``explain`` any instant of it. Imported lazily: nothing of the engine is loaded before its
use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubesim.version import VERSION

if TYPE_CHECKING:
    from kubesim.api import check, compare, explain, load, plot, run
    from kubesim.history.history import History

__version__ = VERSION

__all__ = ["History", "__version__", "check", "compare", "explain", "load", "plot", "run"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from kubesim import api

        return getattr(api, name)
    raise AttributeError(f"module 'kubesim' has no attribute {name!r}")
