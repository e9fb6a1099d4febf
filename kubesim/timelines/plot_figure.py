"""The figure that pictures are drawn on: matplotlib's, which shows itself in a notebook without pyplot."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class RunFigure(Figure):
    """A figure that a notebook shows as an image although no backend was chosen."""

    def _repr_png_(self) -> bytes:
        target = io.BytesIO()
        self.savefig(target, format="png", facecolor=self.get_facecolor())
        return target.getvalue()
